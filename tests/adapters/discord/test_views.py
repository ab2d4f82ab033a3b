"""Views as embeds, selects, buttons and files: within Discord's limits, and with no Markdown or mention in them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.discord import views
from bot.consent import notice
from bot.messages import MessageId, RoomId, TenantId
from bot.views import Button, File, Line, Section, Source, View
from tests.clock import NOON
from tests.twins.discord import Message
from tests.twins.discord.drafts import check_message
from tests.twins.discord.mentions import mentions

NOTICE = notice("en")

ADDRESS = "https://discord.com/channels/1/2/3"
SAVE = Button(action="consent:on", label="Remember me", is_primary=True)
DROP = Button(action="consent:declined", label="No, thanks")


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
    assert views.components(view) is None


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


def test_quotes_give_way_to_facts() -> None:
    """A page of facts that are as long as they can be is shown whole: shorter quotes are enough, links are there."""
    source = said("I said so when I was asked for it, and " * 5)
    long = tuple(
        Line(text=f"{number} {'x' * 120}", note="said 2026-11-22, used there", source=source) for number in range(20)
    )
    texts = {
        number: shown(View(text="What I know:", sections=(section(*long[:number]),))) for number in (5, 10, 14, 20)
    }

    assert [number for number, text in texts.items() if f"{number - 1} xxx" not in text or "and more" in text] == []
    assert [text.count("[message]") for text in texts.values()] == [5, 10, 14, 0]


def test_many_sections_are_taken_by_discord() -> None:
    """A schema may have any number of sections."""
    sections = tuple(section(Line(text=f"value {n}"), title=f"Section {n}") for n in range(500))

    assert "Section 0" in shown(View(text="What I know:", sections=sections))


def test_a_long_footer_is_taken_by_discord() -> None:
    """A footer counts for the size of the whole: with all the text there may be, it still fits."""
    view = View(text="What I know:", sections=(section(*facts(300)),), footer="word " * 2_000)

    assert len(views.embed(view, link=link)) <= 6_000


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


def payload(view: View) -> list[dict[str, Any]]:
    """The rows of components of a view as they are sent, which Discord must take."""
    drawn = views.components(view)
    rows: list[dict[str, Any]] = [] if drawn is None else drawn.to_components()
    check_message(
        Message(id="1", channel_id="1", author_id="1", created_at=NOON, content="x", components=tuple(numbered(rows)))
    )
    return rows


def numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": number, **row} for number, row in enumerate(rows)]


def rows_of(view: View) -> list[list[dict[str, Any]]]:
    return [row["components"] for row in payload(view)]


async def test_a_button_carries_its_action() -> None:
    """A button comes back under our prefix with its action; only a primary one is coloured."""
    ((primary, plain),) = rows_of(View(text="x", buttons=(SAVE, DROP)))

    assert (primary["custom_id"], primary["label"]) == ("rapport:consent:on", "Remember me")
    assert (plain["custom_id"], plain["label"]) == ("rapport:consent:declined", "No, thanks")
    assert (primary["style"], plain["style"]) == (1, 2)


async def test_what_destroys_is_red_and_last() -> None:
    """A button that destroys something is red, and the last, wherever the view has it."""
    burn = Button(action="forget:all", label="Forget all", is_danger=True)
    ((keep, red),) = rows_of(View(text="x", buttons=(burn, DROP)))

    assert (keep["custom_id"], keep["style"]) == ("rapport:consent:declined", 2)
    assert (red["custom_id"], red["style"]) == ("rapport:forget:all", 4)


@pytest.mark.parametrize("number", [1, 5, 6, 10, 25, 40])
async def test_buttons_stand_in_rows_of_five(number: int) -> None:
    """However many buttons there are, each row has at most five, and there are no more rows than Discord takes."""
    found = rows_of(View(text="x", buttons=tuple(Button(action=f"a:{n}", label=f"{n}") for n in range(number))))

    shown = min(number, 25)
    assert [len(row) for row in found] == [min(5, shown - first) for first in range(0, shown, 5)]
    assert [button["label"] for row in found for button in row] == [f"{n}" for n in range(shown)]


async def test_the_same_button_is_there_once() -> None:
    """Two buttons that do the same are one; Discord refuses the second."""
    ((only,),) = rows_of(View(text="x", buttons=(SAVE, SAVE)))

    assert only["custom_id"] == "rapport:consent:on"


@pytest.mark.parametrize("label", ["", " ", "x" * 500, "two\nlines"])
async def test_any_label_is_taken(label: str) -> None:
    """A label that is empty or too long for Discord is still a button."""
    ((only,),) = rows_of(View(text="x", buttons=(Button(action="a:" + "z" * 78, label=label),)))

    assert 0 < len(only["label"]) <= 80
    assert views.action({"custom_id": only["custom_id"]}) == "a:" + "z" * 78


async def test_components_do_not_expire() -> None:
    """A button works for as long as it can be seen."""
    drawn = views.components(NOTICE)

    assert drawn is not None
    assert drawn.timeout is None


async def test_components_are_not_waited_for() -> None:
    """A press comes back as an interaction, so nothing of a shown view has to be kept in memory until then."""
    drawn = views.components(NOTICE)

    assert drawn is not None
    assert drawn.is_finished()


# -- lines that open more ---------------------------------------------------------------------------------------------


def openable(number: int) -> View:
    lines = tuple(Line(text=f"tools: tool {n}", note="said in May", action=f"why:{n}") for n in range(number))
    return View(text="x", sections=(section(*lines),), buttons=(SAVE, DROP))


async def test_lines_that_open_more_can_be_picked() -> None:
    """Such lines are the options of a select over the buttons, each with its text, its note and its action."""
    (select,), buttons = rows_of(openable(2))
    first, second = select["options"]

    assert (first["label"], first["description"], first["value"]) == ("tools: tool 0", "said in May", "why:0")
    assert second["value"] == "why:1"
    assert [button["label"] for button in buttons] == ["Remember me", "No, thanks"]


async def test_what_was_picked_is_an_action() -> None:
    """A pick comes back as the action of its line, a press as that of its button, and what is not ours as nothing."""
    (select,), (save, _) = rows_of(openable(2))

    assert views.action({"custom_id": select["custom_id"], "values": ["why:1"]}) == "why:1"
    assert views.action({"custom_id": select["custom_id"], "values": []}) is None
    assert views.action({"custom_id": save["custom_id"]}) == "consent:on"
    assert views.action({"custom_id": "hosts:button"}) is None
    assert views.action({}) is None


async def test_lines_with_the_same_action_are_one_option() -> None:
    """What opens the same is offered once, under the first of its lines; a line that opens nothing is not offered."""
    lines = (Line(text="one", action="why:1"), Line(text="plain"), Line(text="two", action="why:1"))
    ((select,),) = rows_of(View(text="x", sections=(section(*lines), section(*lines))))

    assert [(option["label"], option["value"]) for option in select["options"]] == [("one", "why:1")]


@pytest.mark.parametrize(("number", "sizes"), [(25, [25]), (26, [25, 1]), (60, [25, 25, 10]), (300, [25, 25, 25, 25])])
async def test_many_lines_are_several_selects(number: int, sizes: list[int]) -> None:
    """More lines than a select takes are in further ones, as far as there are rows; the buttons keep theirs."""
    *selects, buttons = rows_of(openable(number))

    assert [len(select["options"]) for (select,) in selects] == sizes
    assert len(buttons) == 2
    assert len({select["placeholder"] for (select,) in selects}) == len(sizes)


async def test_a_full_panel_is_taken_by_discord() -> None:
    """Many lines and the most buttons a view may have are still one message."""
    buttons = tuple(Button(action=f"page:{n}", label=f"Page {n}") for n in range(10))
    found = rows_of(replace(openable(300), buttons=buttons))

    assert [len(row) for row in found] == [1, 1, 1, 5, 5]


@pytest.mark.parametrize("text", ["x" * 500, "\n", "", "**bold** @everyone", "two\nlines"])
async def test_any_line_is_taken_as_an_option(text: str) -> None:
    """Whatever a fact says, its option is one line that Discord takes."""
    ((select,),) = rows_of(View(text="x", sections=(section(Line(text=text, note=text, action="why:1")),)))
    (option,) = select["options"]

    assert 0 < len(option["label"]) <= 100
    assert "\n" not in option["label"]


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_attached_as_it_is() -> None:
    """A file has its name and its text, in UTF-8."""
    view = View(text="Here it is.", files=(File(name="persona.json", text="{“é”}"),))
    (file,) = views.files(views.within(view))

    assert views.within(view) == view
    assert (file.filename, file.fp.read().decode()) == ("persona.json", "{“é”}")


def test_a_file_that_is_too_large_is_named() -> None:
    """What Discord does not take here is left out, and the text says which and what to do."""
    view = View(text="Here.", files=(File(name="big.json", text="é" * 600), File(name="small.txt", text="x" * 900)))
    fitting = views.within(view, most_bytes=1_000)

    assert [file.name for file in fitting.files] == ["small.txt"]
    assert "big.json" in fitting.text
    assert fitting.text.startswith("Here.")


def test_no_more_files_than_a_message_takes() -> None:
    """Discord takes ten files in one message, and 25 MiB."""
    many = View(text="x", files=tuple(File(name=f"{n}.txt", text="x") for n in range(12)))
    heavy = View(text="x", files=tuple(File(name=f"{n}.txt", text="x" * 9 * 2**20) for n in range(3)))

    assert len(views.within(many).files) == 10
    assert "10.txt, 11.txt" in views.within(many).text
    assert [file.name for file in views.within(heavy).files] == ["0.txt", "1.txt"]


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
