"""Views as lines of text: everything in them, in order, and buttons by number."""

from __future__ import annotations

import pytest

from adapters.terminal.views import actions, lines, opening, question
from bot.consent import notice
from bot.messages import MessageId, RoomId, TenantId
from bot.views import Button, Form, Input, Line, Section, Source, View

NOTICE = notice("en")

SAVE = Button(action="consent:on", label="Remember me", is_primary=True)
DROP = Button(action="consent:declined", label="No, thanks")


def said(quote: str, room: str = "team") -> Source:
    return Source(tenant=TenantId("slack:T1"), room=RoomId(room), message=MessageId("1"), quote=quote)


def section(*shown: Line, title: str = "Patterns") -> Section:
    return Section(title=title, lines=shown)


def test_everything_in_a_view_is_shown() -> None:
    """Text, headings, lines with notes and sources, footer and buttons are all there, in this order."""
    line = Line(text="tools: Vim", note="said 2026-11-22", source=said("I use Vim"))
    view = View(text="What I know:", sections=(section(line),), footer="Only you see this.", buttons=(SAVE, DROP))

    assert lines(view) == [
        "What I know:",
        "",
        "  Patterns",
        "    tools: Vim (said 2026-11-22), from “I use Vim” in #team",
        "",
        "  Only you see this.",
        "",
        "  [1] Remember me   [2] No, thanks   (type /press and the number)",
    ]


def test_a_plain_view_is_one_line() -> None:
    """A sentence is shown by itself."""
    assert lines(View(text="Paused.")) == ["Paused."]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (Line(text="tools: Vim"), "tools: Vim"),
        (Line(text="tools: Vim", note="in May"), "tools: Vim (in May)"),
        (Line(text="tools: Vim", source=said("Vim")), "tools: Vim, from “Vim” in #team"),
        (Line(text="tools: Vim", source=said("Vim", "dm:ana")), "tools: Vim, from “Vim” in your direct message"),
    ],
)
def test_a_line_says_where_it_comes_from(line: Line, shown: str) -> None:
    """A fact is shown with what is known of it: dates, words, and the room they were said in."""
    assert lines(View(text="x", sections=(section(line),)))[-1].strip() == shown


def test_sections_follow_one_another() -> None:
    """Each section has its heading above its lines."""
    shown = lines(View(text="x", sections=(section(Line(text="a"), title="One"), section(Line(text="b"), title="Two"))))

    assert [line.strip() for line in shown if line] == ["x", "One", "a", "Two", "b"]


def test_a_view_of_many_facts_is_shown_whole() -> None:
    """A screen scrolls: nothing is left out."""
    facts = tuple(Line(text=f"tools: tool {n}", source=said(f"I use tool {n}")) for n in range(300))
    shown = "\n".join(lines(View(text="x", sections=(section(*facts),))))

    assert all(f"tools: tool {n}," in shown for n in range(300))


def test_the_consent_notice_can_be_pressed() -> None:
    """Both answers to the notice have a number."""
    last = lines(NOTICE)[-1]

    assert "[1] Yes, remember" in last
    assert "[2] No, thanks" in last
    assert "/press" in last


def test_lines_that_open_more_are_numbered_with_the_buttons() -> None:
    """Each thing that can be pressed has one number, from the top down, and the number stands for its action."""
    first, plain, second = Line(text="a", action="why:1"), Line(text="b"), Line(text="c", action="why:2")
    view = View(text="x", sections=(section(first, plain), section(second)), buttons=(SAVE, DROP))
    shown = [line.strip() for line in lines(view)]

    assert [line for line in shown if line[:1] == "[" or line == "b"] == [
        "[1] a",
        "b",
        "[2] c",
        "[3] Remember me   [4] No, thanks   (type /press and the number)",
    ]
    assert actions(view) == ("why:1", "why:2", SAVE.action, DROP.action)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (Input(name="value", label="location"), "location:"),
        (Input(name="value", label="location", value="Lisbon", hint="a city"), "location [Lisbon]:"),
        (Input(name="value", label="location", hint="a city"), "location (a city):"),
        (Input(name="value", label="tone", choices=("formal", "direct")), "tone (one of: formal, direct):"),
    ],
)
def test_an_input_says_what_it_takes(asked: Input, shown: str) -> None:
    """A question shows what stands there, or what may, and what there is to choose from."""
    assert question(asked) == shown


def test_a_form_says_what_it_is_and_how_to_leave_it() -> None:
    """Before the first question stands what the form is for, and what an empty line does."""
    said = opening(Form(action="add:", title="Add a fact", text="Only you see it.", inputs=()))

    assert said[:2] == ["Add a fact", "Only you see it."]
    assert "empty line" in said[-1]
