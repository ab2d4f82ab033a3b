"""Views as Block Kit: every one within Slack's limits, and nothing in them that was not meant to ping or link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import views
from bot.consent import notice
from bot.messages import MessageId, RoomId, TenantId
from bot.views import Button, Line, Section, Source, View
from tests.twins.slack.blocks import MESSAGE_BLOCKS_MAX, TEXT_MAX, Json, strings
from tests.twins.slack.chat import check_blocks
from tests.twins.slack.pings import pinged

NOTICE = notice("en")

SAVE = Button(action="consent:on", label="Remember me", is_primary=True)
DROP = Button(action="consent:declined", label="No, thanks")
ADDRESS = "https://twin.slack.com/archives/C1/p1700000000000100"


def link(source: Source) -> str:
    return f"https://twin.slack.com/archives/{source.room}/p{source.message.replace('.', '')}"


def drawn(view: View) -> list[views.Block]:
    """The view's blocks, which Slack must take."""
    blocks = views.blocks(view, link=link)
    check_blocks(blocks)
    return blocks


def shown(view: View) -> str:
    return "\n".join(strings(drawn(view)))


def said(quote: str) -> Source:
    return Source(tenant=TenantId("slack:T1"), room=RoomId("C1"), message=MessageId("1700000000.000100"), quote=quote)


def facts(number: int) -> tuple[Line, ...]:
    """As many lines as somebody has facts, each as long as they usually are."""
    note = "said 2026-11-22, used in public channels"
    return tuple(Line(text=f"tools: tool {n}", note=note, source=said(f"I use tool {n}")) for n in range(number))


def section(*lines: Line, title: str = "Patterns") -> Section:
    return Section(title=title, lines=lines)


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_everything_in_a_view_is_shown() -> None:
    """Text, headings, lines with their notes and quotes, footer and buttons are all there, in this order."""
    line = Line(text="tools: Vim", note="said 2026-11-22", source=said("I use Vim"))
    text = shown(View(text="What I know:", sections=(section(line),), footer="Only you see this.", buttons=(SAVE,)))

    expected = ["What I know:", "*Patterns*", "tools: Vim", "2026-11-22", "“I use Vim”", "Only you see", "Remember me"]
    assert [text.index(part) for part in expected] == sorted(text.index(part) for part in expected)


def test_a_quote_links_to_its_message() -> None:
    """The quoted words lead to the message they stand in."""
    assert f"<{ADDRESS}|“I use Vim”>" in shown(
        View(text="x", sections=(section(Line(text="y", source=said("I use Vim"))),))
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Line(text="tools: Vim"), "• tools: Vim"),
        (Line(text="tools: Vim", note="since May"), "• tools: Vim · since May"),
    ],
)
def test_a_line_without_a_source_links_nowhere(line: Line, expected: str) -> None:
    """What rests on no message has no link, and a line without a note has no mark for one."""
    text = shown(View(text="x", sections=(section(line),)))

    assert text.splitlines()[-1] == expected


def test_a_plain_view_is_one_block() -> None:
    """A sentence needs no footer, no buttons and no rest."""
    assert [block["type"] for block in drawn(View(text="Paused."))] == ["section"]


def test_a_button_carries_its_action() -> None:
    """A button comes back under our prefix with its action; only a primary one is coloured."""
    primary, plain = drawn(View(text="x", buttons=(SAVE, DROP)))[-1]["elements"]

    assert (primary["action_id"], primary["style"]) == ("rapport:consent:on", "primary")
    assert (plain["action_id"], plain["text"]["text"]) == ("rapport:consent:declined", "No, thanks")
    assert "style" not in plain


def test_what_destroys_something_is_drawn_so() -> None:
    """A button that destroys something has Slack's own colour for that, even if it is primary as well."""
    (element,) = drawn(View(text="x", buttons=(Button(action="a", label="b", is_danger=True, is_primary=True),)))[-1][
        "elements"
    ]

    assert element["style"] == "danger"


def test_a_line_with_an_action_stands_beside_a_button() -> None:
    """What can be opened has a block of its own, with a button that carries its action and says what it is about."""
    plain, open_ = Line(text="tools: Vim"), Line(text="location: Lisbon", action="fact:f1")
    _, first, second, last = drawn(View(text="x", sections=(section(plain, open_, plain),)))

    assert first["text"]["text"] == "*Patterns*\n• tools: Vim"
    assert second["text"]["text"] == "• location: Lisbon"
    assert second["accessory"]["action_id"] == "rapport:fact:f1"
    assert second["accessory"]["accessibility_label"] == "Details: location: Lisbon"
    assert last["text"]["text"] == "• tools: Vim"
    assert [block for block in (first, last) if "accessory" in block] == []


def test_a_heading_goes_with_its_first_line() -> None:
    """A heading stands in the block of the line below it, also where that line has a button."""
    lines = [Line(text=f"tools: {name}", action=f"fact:{name}") for name in ("Vim", "Git")]
    _, first, second = drawn(View(text="x", sections=(section(*lines),)))

    assert first["text"]["text"] == "*Patterns*\n• tools: Vim"
    assert second["text"]["text"] == "• tools: Git"


@pytest.mark.parametrize("number", [1, 46, 47, 48, 300])
@pytest.mark.parametrize("most", [10, 50])
def test_many_lines_with_buttons_are_taken_by_slack(number: int, most: int) -> None:
    """However many lines can be opened, the view keeps to the blocks it may have, and says what it leaves out."""
    lines = [Line(text=f"tools: tool {n}", action=f"fact:{n}") for n in range(number)]
    view = View(text="What I know:", sections=(section(*lines),), footer="Only you.", buttons=(SAVE, DROP))
    blocks = views.blocks(view, link=link, most=most)
    check_blocks(blocks)

    assert len(blocks) <= most
    assert ("and more" in "\n".join(strings(blocks))) == (f"tool {number - 1}" not in "\n".join(strings(blocks)))
    assert [block["type"] for block in blocks[-2:]] == ["context", "actions"]


@pytest.mark.parametrize("length", [75, 76, 500])
def test_long_labels_are_taken_by_slack(length: int) -> None:
    """A label that is too long for a button is shown as far as it fits; so is what a screen reader says."""
    line = Line(text="x" * length, action="a" * 80)
    blocks = drawn(View(text="x", sections=(section(line),), buttons=(Button(action="b" * 80, label="y" * length),)))

    assert blocks[1]["accessory"]["action_id"] == f"rapport:{'a' * 80}"
    assert blocks[-1]["elements"][0]["text"]["text"].startswith("y" * 74)


def test_the_consent_notice_can_be_shown() -> None:
    """The notice every member gets is within the limits, with both its buttons."""
    assert [element["action_id"] for element in drawn(NOTICE)[-1]["elements"]] == [
        "rapport:consent:on",
        "rapport:consent:declined",
    ]


# -- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 20, 60, 100, 300, 1_000])
def test_a_view_of_many_facts_is_taken_by_slack(number: int) -> None:
    """However much is remembered, the view keeps to Slack's limits on blocks and text, with its footer and buttons."""
    view = View(text="What I know:", sections=(section(*facts(number)),), footer="Only you.", buttons=(SAVE,))
    blocks = drawn(view)

    assert [block["type"] for block in blocks[-2:]] == ["context", "actions"]
    assert "tool 0" in shown(view)


def test_what_does_not_fit_is_said_to_be_missing() -> None:
    """A view that leaves facts out says so, and how to see them."""
    text = shown(View(text="What I know:", sections=(section(*facts(1_000)),)))

    assert "tool 999" not in text
    assert "more" in text
    assert "/persona show" in text


def test_what_fits_is_not_said_to_be_missing() -> None:
    """A view that shows everything does not speak of more."""
    text = shown(View(text="What I know:", sections=(section(*facts(20)),)))

    assert "tool 19" in text
    assert "and more" not in text


@pytest.mark.parametrize("number", [1, 49, 50, 51, 120])
def test_many_sections_are_within_the_limit(number: int) -> None:
    """A schema may have any number of sections."""
    sections = tuple(section(Line(text=f"value {n}"), title=f"Section {n}") for n in range(number))
    blocks = drawn(View(text="What I know:", sections=sections, footer="Only you.", buttons=(SAVE, DROP)))

    assert len(blocks) <= MESSAGE_BLOCKS_MAX
    assert blocks[-1]["type"] == "actions"


LONG = ["x" * 4_000, "&" * 1_000, "word " * 1_000, "<" * 24_000, "é" * 2_901, "\n".join(["y" * 100] * 100)]


@pytest.mark.parametrize("long", LONG, ids=lambda text: f"{text[:2]!r}*{len(text)}")
@pytest.mark.parametrize("slot", ["text", "line", "quote", "footer"])
def test_a_long_text_is_taken_by_slack(slot: str, long: str) -> None:
    """What members type and say may be long: it is shown as far as it fits, and never refused."""
    texts = {name: long if slot == name else f"the {name}" for name in ("text", "line", "quote", "footer")}
    line = Line(text=texts["line"], note="since May", source=said(texts["quote"]))
    view = View(text=texts["text"], sections=(section(line),), footer=texts["footer"], buttons=(SAVE,))

    assert long[:1].replace("&", "&amp;").replace("<", "&lt;") in shown(view)
    assert all(len(text) <= TEXT_MAX["section"] for text in strings(drawn(view)))


# -- hostile text -----------------------------------------------------------------------------------------------------

HOSTILE = ["<!channel>", "<@U1|ana>", "<https://evil.example|your bank>", "a|b>c<d&e", "x>|<!here>", "“>”|\n<@U1>"]


def everywhere(text: str) -> View:
    """A view that holds `text` wherever somebody else's words may stand."""
    line = Line(text=text, note=text, source=said(text))
    return View(text=text, sections=(section(line, title=text),), footer=text, buttons=(Button(action="a", label="b"),))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_pings_nobody(text: str) -> None:
    """No text in any place of a view notifies anybody, nor links anywhere but to its source."""
    blocks = drawn(everywhere(text))

    assert_harmless(blocks)


PIECES = st.sampled_from(
    ["<", ">", "|", "&", "!", "@", "<!here>", "<@U1>", "https://evil.example", "”", "\n", "`", "*", "a"]
)


@given(st.lists(PIECES | st.text(max_size=3), min_size=1, max_size=15).map("".join).filter(str.strip))
def test_no_text_pings_anybody(text: str) -> None:
    """Whatever a value, a name or a quote consists of, it is shown and nothing else."""
    assert_harmless(views.blocks(everywhere(text), link=link))
    assert list(pinged(views.text(everywhere(text)), [], [])) == []


def assert_harmless(blocks: list[Json]) -> None:
    text = "\n".join(strings(blocks))
    assert list(pinged("", blocks, [])) == []
    assert text.count("<") == text.count(f"<{ADDRESS}|“") == 1
    assert text.count(">") == 1


@pytest.mark.parametrize("block", views.blocks(everywhere("https://example.org #team @here"), link=link)[:-1])
def test_slack_makes_no_links_of_its_own(block: Json) -> None:
    """Addresses and names in a view are not made into links by Slack."""
    texts = [block["text"]] if "text" in block else block["elements"]

    assert all(text["verbatim"] for text in texts)


# -- the fallback -----------------------------------------------------------------------------------------------------


def test_the_fallback_says_what_the_view_says() -> None:
    """Notifications and screen readers get the text and the lines, with nothing that pings."""
    view = View(text="What I know:", sections=(section(Line(text="tools: <!here>")),), footer="f", buttons=(SAVE,))

    assert views.text(view) == "What I know:\ntools: &lt;!here&gt;"


@pytest.mark.parametrize("number", [0, 300, 5_000])
def test_the_fallback_is_never_too_long(number: int) -> None:
    """The fallback of any view is short enough to be posted and to be changed."""
    assert 0 < len(views.text(View(text="What I know:", sections=(section(*facts(number)),)))) <= TEXT_MAX["section"]
