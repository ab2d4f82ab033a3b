"""What a typed line means: a message, a command, or a mistake that says how to do it right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.terminal.translate import (
    COMMANDS,
    MAX_NAME_CHARS,
    Action,
    Direct,
    Enter,
    Help,
    Idle,
    Mistake,
    Persona,
    Press,
    Quit,
    Say,
    SpeakAs,
    action,
    member_id,
)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("hello", Say("hello")),
        ("  hello there \n", Say("hello there")),
        ("and/or", Say("and/or")),
        ("#team", Say("#team")),
        ("@Ana hi", Say("@Ana hi")),
        ("¡hola! 👋🏽", Say("¡hola! 👋🏽")),
        ("/as Ana", SpeakAs("Ana")),
        ("/as Ana Maria O'Neill-Smith", SpeakAs("Ana Maria O'Neill-Smith")),
        ("/as Zoë", SpeakAs("Zoë")),
        ("/as 李雷", SpeakAs("李雷")),
        ("/room #team", Enter("team")),
        ("/room team", Enter("team")),
        ("/room  #team-2.1 ", Enter("team-2.1")),
        ("/dm", Direct()),
        ("/persona", Persona("")),
        ("/persona show", Persona("show")),
        ("/persona-admin consent off", Persona("consent off", is_admins=True)),
        ("/persona  forget answer length ", Persona("forget answer length")),
        ("/press 1", Press(1)),
        ("/press 0", Press(0)),
        ("/press 12", Press(12)),
        ("/idle", Idle()),
        ("/help", Help()),
        ("/quit", Quit()),
        ("/exit", Quit()),
        ("/QUIT", Quit()),
        ("/Persona Show", Persona("Show")),
        ("  /idle\r\n", Idle()),
    ],
)
def test_a_line_means_what_it_says(line: str, meant: Action) -> None:
    """Commands are known in any case and with any space around them; everything else is said."""
    assert action(line) == meant


@pytest.mark.parametrize("line", ["", " ", "\n", "\t \r\n", "\u00a0", "\u3000"])
def test_an_empty_line_means_nothing(line: str) -> None:
    """A line without anything in it is nothing to answer."""
    assert action(line) is None


@pytest.mark.parametrize("space", ["\t", "\u00a0", "   ", "\u2003"])
def test_any_space_ends_a_command(space: str) -> None:
    """A tab, or the hard space that some keyboards type, stands between a command and its words as a space does."""
    assert action(f"/persona{space}show") == Persona("show")
    assert action(f"/as{space}Ana") == SpeakAs("Ana")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("/as", "/as Ana"),
        ("/as   ", "/as Ana"),
        ("/as <script>", "/as Ana"),
        ("/as [bold]", "/as Ana"),
        ("/as dm:ana", "/as Ana"),
        ("/as a\x1b[2J", "/as Ana"),
        ("/as \ud800", "/as Ana"),
        ("/as " + "a" * (MAX_NAME_CHARS + 1), "/as Ana"),
        ("/room", "/room #team"),
        ("/room #", "/room #team"),
        ("/room dm:ana", "/room #team"),
        ("/room a/b", "/room #team"),
        ("/room ##team", "/room #team"),
        ("/press", "/press and its number"),
        ("/press one", "/press and its number"),
        ("/press -1", "/press and its number"),
        ("/press 1.0", "/press and its number"),
        ("/press ²", "/press and its number"),
        ("/", "/help"),
        ("//", "/help"),
        ("/dance", "/help"),
        ("/idle!", "/help"),
        ("/etc/passwd", "/help"),
    ],
)
def test_a_mistake_says_what_can_be_typed(line: str, hint: str) -> None:
    """What cannot be done is answered with what can; nothing of it is taken for a message."""
    meant = action(line)

    assert isinstance(meant, Mistake)
    assert hint in meant.why


@pytest.mark.parametrize("digits", ["9" * 100, "9" * 5_000, "٣"])
def test_a_number_of_any_size_is_no_failure(digits: str) -> None:
    """No number is too big to be told that there is no such button."""
    assert isinstance(action(f"/press {digits}"), Press | Mistake)


def test_the_longest_name_is_a_name() -> None:
    """A name may have as many letters as the limit says."""
    assert action("/as " + "a" * MAX_NAME_CHARS) == SpeakAs("a" * MAX_NAME_CHARS)


@pytest.mark.parametrize("name", ["अनिल", "สมชาย", "José", "Jose\u0301"])
def test_every_script_has_names(name: str) -> None:
    """Names whose letters carry marks of their own, as in Hindi or Thai, are names."""
    assert action(f"/as {name}") == SpeakAs(name)


@pytest.mark.parametrize(("one", "other"), [("Ana", "ANA"), ("Zoë", "ZOË"), ("Straße", "STRASSE"), ("ana", "Ana")])
def test_a_member_is_the_same_in_any_case(one: str, other: str) -> None:
    """Whoever types a name in other letters means the same member."""
    assert member_id(one) == member_id(other)


def test_two_names_are_two_members() -> None:
    """Different names are different members."""
    assert member_id("Ana") != member_id("Anna")


@pytest.mark.parametrize("usage", COMMANDS)
def test_every_command_in_the_list_exists(usage: str) -> None:
    """What /help lists can be typed, with a name where it says so."""
    assert not isinstance(action(usage.replace("NAME", "Ana")), Mistake | Say | None)


@given(st.text(max_size=60))
def test_no_line_is_too_strange(line: str) -> None:
    """Whatever is typed means something or nothing; what does not begin with a slash is said as it was typed."""
    meant = action(line)

    assert meant is None or isinstance(meant, Action)
    if line.strip() and not line.strip().startswith("/"):
        assert meant == Say(line.strip())


@given(st.sampled_from(["/as", "/room", "/persona", "/press", "/dm"]), st.text(max_size=30))
def test_no_words_after_a_command_are_too_strange(verb: str, words: str) -> None:
    """Whatever follows a command, it is an action or a mistake, and never a message to Rapport."""
    assert not isinstance(action(f"{verb} {words}"), Say | None)
