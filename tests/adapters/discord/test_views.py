"""Views as embeds and buttons: every one within Discord's limits, and nothing in them that is Markdown or a mention."""

from __future__ import annotations

import re

import discord
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.discord import views
from bot.consent import NOTICE
from bot.messages import MessageId, RoomId, TenantId
from bot.views import Button, Line, Section, Source, View
from tests.twins.discord.mentions import mentions

ADDRESS = "https://discord.com/channels/1/2/3"
SAVE = Button(action="consent:on", label="Remember me", is_primary=True)
DROP = Button(action="consent:withdrawn", label="No, thanks")


def link(source: Source) -> str:
    return f"https://discord.com/channels/1/{source.room}/{source.message}"


def said(quote: str) -> Source:
    return Source(tenant=TenantId("slack:T1"), room=RoomId("2"), message=MessageId("3"), quote=quote)


def shown(view: View) -> str:
    """The text of the view's embed, which Discord must take."""
    embed = views.embed(view, link=link)
    assert embed.description is not None
    assert 0 < len(embed.description) <= 4_096
    assert len(embed) <= 6_000
    return embed.description


def section(*lines: Line, title: str = "Patterns") -> Section:
    return Section(title=title, lines=lines)


def facts(number: int) -> tuple[Line, ...]:
    note = "said 2026-11-22, used in public channels"
    return tuple(Line(text=f"tools: tool {n}", note=note, source=said(f"I use tool {n}")) for n in range(number))


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_everything_in_a_view_is_shown() -> None:
    """Text, headings, lines with their notes and quotes are there in this order, with the footer below."""
    line = Line(text="tools: Vim", note="said in May", source=said("I use Vim"))
    view = View(text="What I know:", sections=(section(line),), footer="Only you see this.")
    text = shown(view)

    expected = ["What I know:", "**Patterns**", "tools: Vim", "said in May", f"“I use Vim” ([message]({ADDRESS}))"]
    assert [text.index(part) for part in expected] == sorted(text.index(part) for part in expected)
    assert views.embed(view, link=link).footer.text == "Only you see this."


@pytest.mark.parametrize(
    ("line", "expected"),
    [(Line(text="tools: Vim"), "- tools: Vim"), (Line(text="tools: Vim", note="in May"), "- tools: Vim · in May")],
)
def test_a_line_without_a_source_links_nowhere(line: Line, expected: str) -> None:
    """What rests on no message has no link, and a line without a note has no mark for one."""
    assert shown(View(text="x", sections=(section(line),))).splitlines()[-1] == expected


def test_a_plain_view_is_its_text() -> None:
    """A sentence needs no footer and no buttons."""
    view = View(text="Paused.")

    assert shown(view) == "Paused."
    assert views.embed(view, link=link).footer.text is None
    assert views.buttons(view) is None


# -- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 20, 60, 300, 5_000])
def test_a_view_of_many_facts_is_taken_by_discord(number: int) -> None:
    """However much is remembered, the embed keeps to Discord's limits and shows the beginning and the footer."""
    view = View(text="What I know:", sections=(section(*facts(number)),), footer="Only you see this.")

    assert "tool 0" in shown(view)
    assert views.embed(view, link=link).footer.text == "Only you see this."


def test_what_does_not_fit_is_said_to_be_missing() -> None:
    """A view that leaves facts out says so, and how to see them on Discord."""
    text = shown(View(text="What I know:", sections=(section(*facts(300)),)))

    assert "tool 299" not in text
    assert "more" in text
    assert "/persona show field:" in text


def test_what_fits_is_not_said_to_be_missing() -> None:
    """A view that shows everything does not speak of more."""
    text = shown(View(text="What I know:", sections=(section(*facts(20)),)))

    assert "tool 19" in text
    assert "and more" not in text


def test_many_sections_are_taken_by_discord() -> None:
    """A schema may have any number of sections."""
    sections = tuple(section(Line(text=f"value {n}"), title=f"Section {n}") for n in range(500))

    assert "Section 0" in shown(View(text="What I know:", sections=sections))


LONG = ["x" * 6_000, "*" * 3_000, "word " * 1_200, "@everyone" * 500, "[a](b)" * 900]


@pytest.mark.parametrize("long", LONG, ids=lambda text: f"{text[:2]!r}*{len(text)}")
@pytest.mark.parametrize("slot", ["text", "line", "quote"])
def test_a_long_text_is_shown_as_far_as_it_fits(slot: str, long: str) -> None:
    """What members type and say may be long: its beginning is shown, and what stands after it is not lost."""
    texts = {name: long if slot == name else f"the {name}" for name in ("text", "line", "quote")}
    lines = (Line(text=texts["line"], source=said(texts["quote"])), Line(text="the next one"))
    text = shown(View(text=texts["text"], sections=(section(*lines),)))

    assert re.sub(r"[\\\u200b]", "", text).count(re.sub(r"[\[\]]", "", long[:4])[:1]) > 10
    assert "the next one" in text or slot == "text"


# -- buttons ----------------------------------------------------------------------------------------------------------


async def test_a_button_carries_its_action() -> None:
    """A button comes back under our prefix with its action; only a primary one is coloured."""
    drawn = views.buttons(View(text="x", buttons=(SAVE, DROP)))
    assert drawn is not None
    primary, plain = [child for child in drawn.children if isinstance(child, discord.ui.Button)]

    assert (primary.custom_id, primary.label) == ("rapport:consent:on", "Remember me")
    assert (plain.custom_id, plain.label) == ("rapport:consent:withdrawn", "No, thanks")
    assert (primary.style, plain.style) == (discord.ButtonStyle.primary, discord.ButtonStyle.secondary)


async def test_buttons_do_not_expire() -> None:
    """A button works for as long as it can be seen."""
    drawn = views.buttons(NOTICE)

    assert drawn is not None
    assert drawn.timeout is None


async def test_buttons_are_not_waited_for() -> None:
    """A press comes back as an interaction, so nothing of a shown view has to be kept in memory until then."""
    drawn = views.buttons(NOTICE)

    assert drawn is not None
    assert drawn.is_finished()


# -- hostile text -----------------------------------------------------------------------------------------------------

MENTIONS = ["@everyone", "@here", "<@123456789012345678>", "<@!123456789012345678>", "<@&123456789012345678>"]
MARKS = [
    "**bold**",
    "# big",
    "> quote",
    "`code`",
    "```js\ncode\n```",
    "||secret||",
    "__line__",
    "~~no~~",
    "- item",
    "-# tiny",
]
HIDDEN = [
    "[your bank](https://evil.example)",
    "[x](<https://evil.example>)",
    '[x](https://evil.example "t")',
    "[a](b) and [your bank](https://evil.example)",
    "[**bold**](b)",
]


def everywhere(text: str) -> View:
    """A view that holds `text` wherever somebody else's words may stand."""
    return View(text=text, sections=(section(Line(text=text, note=text, source=said(text)), title=text),), footer=text)


@pytest.mark.parametrize("text", [*MENTIONS, *MARKS, *HIDDEN])
def test_hostile_text_is_text(text: str) -> None:
    """No text in any place of a view mentions anybody, is Markdown, or links anywhere but to its source."""
    assert_harmless(everywhere(text))


@pytest.mark.parametrize("text", MARKS)
def test_what_is_escaped_can_be_read(text: str) -> None:
    """Escaped text still holds every letter and sign of the original, in order."""
    assert re.sub(r"[\\\u200b]", "", views.escape(text)) == text


PIECES = st.sampled_from(
    [
        *MENTIONS,
        "@",
        "<@",
        ">",
        "everyone",
        "123456789012345678",
        "[",
        "](",
        ")",
        "*",
        "_",
        "`",
        "```",
        "~~",
        "||",
        "\\",
        "a b",
    ]
)


@example("[a](b)[your bank](c)")
@given(st.lists(PIECES | st.text(alphabet="ab [](){}<>!#-", max_size=4), min_size=1, max_size=12).map("".join))
def test_no_text_mentions_or_links(text: str) -> None:
    """Whatever a value, a name or a quote consists of, it is shown and nothing else."""
    assert_harmless(everywhere(text))


def assert_harmless(view: View) -> None:
    text = shown(view)
    found = mentions(text.replace("`", ""), None)
    assert (found.users, found.roles, found.everyone) == ((), (), False)
    frame = text.replace(f"]({ADDRESS})", "").replace("· [“", "").replace("**", "")
    assert re.findall(r"(?<!\\)(?:\\\\)*\[[^\]]+\]\(\S+\)", frame) == []
    assert re.findall(r"(?<!\\)(?:\\\\)*[*_~`|]", frame) == []
