"""Our Markdown as Slack shows it: bold, lists and code keep their look, and nothing a model writes pings or hides."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.render import escape, mrkdwn
from tests.twins.slack.pings import pinged

BULLETS = "- one\n- two\n  * three\n+ four"
CODE = "x = a**b**c  # **not bold**\n# no heading\n- no list\n> no quote\n[no](link) ~~no~~"


# -- what keeps its look ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("one\n\ntwo", "one\n\ntwo"),
        ("**bold**", "*bold*"),
        ("a **b** c **d e** f", "a *b* c *d e* f"),
        ("**a** and\n**b**", "*a* and\n*b*"),
        ("**not closed", "**not closed"),
        ("2 ** 3 ** 4", "2 ** 3 ** 4"),
        ("~~gone~~", "~gone~"),
        ("~~not closed", "~~not closed"),
        ("`code`", "`code`"),
        ("_slanted_", "_slanted_"),
    ],
)
def test_words_keep_their_look(markdown: str, shown: str) -> None:
    """Bold and struck words become Slack's; everything else stays as it is."""
    assert mrkdwn(markdown) == shown


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("# One", "*One*"),
        ("###### Six", "*Six*"),
        ("## Closed ##", "*Closed*"),
        ("## **Bold** twice", "*Bold twice*"),
        ("## a < b", "*a &lt; b*"),
        ("#hashtag", "#hashtag"),
        ("####### seven", "####### seven"),
        ("text # not a heading", "text # not a heading"),
    ],
)
def test_headings_are_bold_lines(markdown: str, shown: str) -> None:
    """Slack has no headings: a heading becomes a bold line, and what only begins like one does not."""
    assert mrkdwn(markdown) == shown


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        (BULLETS, "• one\n• two\n  • three\n• four"),
        ("- **bold** item", "• *bold* item"),
        ("* one\n\n* two", "• one\n\n• two"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("-no\n*no*\n+1", "-no\n_no_\n+1"),
        ("a - b", "a - b"),
    ],
)
def test_lists_have_bullets(markdown: str, shown: str) -> None:
    """Every kind of bullet is drawn, nested ones too; numbers stay numbers."""
    assert mrkdwn(markdown) == shown


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("> said", "> said"),
        ("> **said**\n> more", "> *said*\n> more"),
        ("> - item", "> • item"),
        ("a > b", "a &gt; b"),
        ("> <!channel>", "> &lt;!channel&gt;"),
    ],
)
def test_quotes_stay_quotes(markdown: str, shown: str) -> None:
    """A quoted line is quoted in Slack, and what it quotes is as harmless as anything else."""
    assert mrkdwn(markdown) == shown


# -- code -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", ["```", "```python", "``` python", "```c++ title=x", "~~~", "~~~sh"])
def test_a_code_block_loses_its_language_and_nothing_else(opening: str) -> None:
    """Slack would show the language as code; the code itself is left alone, whatever it looks like."""
    assert mrkdwn(f"see\n{opening}\n{CODE}\n{opening[:3]}\n**so**") == f"see\n```\n{escape(CODE)}\n```\n*so*"


def test_a_code_block_in_a_list_is_one() -> None:
    """A block that is indented, as below a list item, is code as well."""
    assert mrkdwn("- do:\n  ```sh\n  a **b**\n  ```\n- **c**") == "• do:\n```\n  a **b**\n```\n• *c*"


def test_a_block_not_closed_yet_is_code_to_the_end() -> None:
    """A reply that is still being written may end inside a block."""
    assert mrkdwn("```py\n**x**").endswith("```\n**x**")


@pytest.mark.parametrize("line", ["```x = 1```", "```x = 1``` is how", "```a``` and ```b```"])
def test_code_between_fences_on_one_line_is_not_lost(line: str) -> None:
    """Three backticks around words within a line are no block: the words stay, and so does the look of what follows."""
    shown = mrkdwn(f"{line}\n**so**")

    assert re.findall(r"\w+", shown) == re.findall(r"\w+", f"{line} so")
    assert shown.endswith("\n*so*")


@pytest.mark.parametrize(
    ("block", "inside"),
    [
        ("```\n~~~\n**x**\n```", "~~~\n**x**"),
        ("~~~\n```\n**x**\n~~~", "```\n**x**"),
        ("````md\n```\n**x**\n```\n````", "```\n**x**\n```"),
        ("```\n```js\n**x**\n```", "```js\n**x**"),
    ],
)
def test_a_block_ends_where_markdown_says(block: str, inside: str) -> None:
    """What looks like another kind of fence inside a block is code, and does not end it."""
    assert inside in mrkdwn(block)


@pytest.mark.parametrize(
    "code", ["`**x**`", "`a**b**c`", "`~~x~~`", "`[x](https://example.org/)`", "`x` and `**y**`", "``a ` **b**``"]
)
def test_markers_inside_inline_code_are_code(code: str) -> None:
    """What stands between backticks is shown letter by letter."""
    assert mrkdwn(f"so {code} is **it**") == f"so {code} is *it*"


# -- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[docs](https://example.org/)", "docs (https://example.org/)"),
        ("[**docs**](https://example.org/)", "*docs* (https://example.org/)"),
        ("[https://example.org/](https://example.org/)", "https://example.org/"),
        ("[](https://example.org/)", "https://example.org/"),
        ("![a chart](https://example.org/c.png)", "a chart (https://example.org/c.png)"),
        ("![](https://example.org/c.png)", "https://example.org/c.png"),
        ('[docs](https://example.org/ "The title")', "docs (https://example.org/)"),
        ("[a](https://a.example) [b](https://b.example)", "a (https://a.example) b (https://b.example)"),
        ("[wiki](https://example.org/A_(b))", "wiki (https://example.org/A_(b))"),
        ("[q](https://example.org/?a=1&b=2)", "q (https://example.org/?a=1&amp;b=2)"),
        ("[your bank](https://evil.example/)", "your bank (https://evil.example/)"),
        ("[https://bank.example](https://evil.example)", "https://bank.example (https://evil.example)"),
        ("<https://example.org/>", "&lt;https://example.org/&gt;"),
        ("<https://evil.example|your bank>", "&lt;https://evil.example|your bank&gt;"),
        ("- see [a](https://a.example)", "• see a (https://a.example)"),
        ("> see [a](https://a.example)", "> see a (https://a.example)"),
        ("[not a link] (https://a.example)", "[not a link] (https://a.example)"),
        ("[1]", "[1]"),
    ],
)
def test_a_link_shows_where_it_leads(markdown: str, shown: str) -> None:
    """A link or an image becomes its words and its address, both to be seen."""
    assert mrkdwn(markdown) == shown


# -- nothing pings, nothing hides -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["<!channel>", "<!here|here>", "<!everyone>", "<!subteam^S1|@devs>", "<@U1>", "<@U1|ana>", "<#C1|team>"],
)
@pytest.mark.parametrize(
    "around", ["{}", "**{}**", "# {}", "> {}", "- {}", "`{}`", "```\n{}\n```", "[{}](x)", "[x]({})"]
)
def test_no_mention_gets_through(text: str, around: str) -> None:
    """A mention in Slack's own spelling is shown as text, wherever in the Markdown it stands."""
    shown = mrkdwn(around.format(text))

    assert list(pinged(shown, [], [])) == []
    assert escape(text) in shown


MARKERS = [
    "**",
    "*",
    "_",
    "~~",
    "`",
    "```",
    "```py\n",
    "~~~\n",
    "\n",
    "# ",
    "&gt; ",
    "> ",
    "- ",
    "  ",
    "\\",
    "\r",
    "\u2028",
]
LINKS = [
    "[",
    "](",
    ")",
    "![",
    "(",
    "]",
    "|",
    ">",
    "<",
    "<http",
    "https://evil.example/",
    "<https://evil.example|ok>",
    ' "t"',
]
PINGS = [
    "<!channel>",
    "<!here|x>",
    "<@U1>",
    "<@U1|ana>",
    "<!subteam^S1>",
    "<!",
    "<@",
    "channel",
    "@here",
    "U1",
    "&lt;!here&gt;",
]
MARKDOWN = st.lists(
    st.sampled_from([*MARKERS, *LINKS, *PINGS, "&", "&amp;", "word"]) | st.text(max_size=3), max_size=30
)


@given(MARKDOWN.map("".join))
def test_nothing_a_model_writes_can_ping_or_hide_a_link(text: str) -> None:
    """Whatever a model writes, nobody is notified and no link stands behind other words."""
    shown = mrkdwn(text)

    assert list(pinged(shown, [], [])) == []
    assert "<" not in shown


@given(st.text(max_size=60))
def test_escaped_text_is_read_as_it_was(text: str) -> None:
    """Slack undoes our escapes and shows every character that was there."""
    shown = escape(text)

    assert "<" not in shown
    assert ">" not in shown
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


WORDS = st.lists(
    st.sampled_from(
        ["**", "~~", "`", "# ", "> ", "- ", "1. ", "\n", "\n\n", " ", "[", "](https://a.example/)", "a & b", "<x>"]
    )
    | st.integers(0, 999).map(lambda number: f"word{number} "),
    max_size=25,
)


@given(WORDS.map("".join).filter(lambda text: "```" not in text and "~~~" not in text))
def test_no_word_is_lost(text: str) -> None:
    """Markers change their form; every word is still there, in order. What follows a fence names its language."""
    assert re.findall(r"word\d+", mrkdwn(text)) == re.findall(r"word\d+", text)


@given(MARKDOWN.map("".join))
def test_lines_stay_lines(text: str) -> None:
    """Rendering neither joins nor breaks lines."""
    assert mrkdwn(text).count("\n") == text.count("\n")
