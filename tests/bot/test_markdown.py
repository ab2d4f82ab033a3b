"""Cutting Markdown: no piece too long, no fence left open, nothing lost, and a text that fits left alone."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.markdown import split

Length = Callable[[str], int]

quick = settings(max_examples=50, deadline=None)


def escaped(text: str) -> int:
    """As long as HTML and Slack make it: an ampersand counts as five."""
    return len(text) + 4 * text.count("&")


def utf16(text: str) -> int:
    """As long as a platform says that counts like JavaScript."""
    return len(text.encode("utf-16-le")) // 2


def utf8(text: str) -> int:
    """As long as it is on the wire."""
    return len(text.encode())


LENGTHS: dict[str, Length] = {"characters": len, "escaped": escaped, "utf-16": utf16, "utf-8": utf8}
each_length = pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS)


class Seen(NamedTuple):
    """A line as a reader sees it: what it says, and the opening line of the code block it stands in."""

    text: str
    fence: str


_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)")


def seen(markdown: str) -> Iterator[Seen]:
    """The lines of a text without its fences; the last one is in a fence if that is left open."""
    fence = mark = ""
    for line in markdown.split("\n"):
        found = _FENCE.fullmatch(line.rstrip())
        if found and not mark:
            fence, mark = line.strip(), found["mark"]
        elif found and found["mark"].startswith(mark) and not found["info"].strip():
            fence = mark = ""
        else:
            yield Seen(line, fence)
    yield Seen("", fence)


def words(pieces: Sequence[str]) -> list[Seen]:
    """What can be read in the pieces, line by line."""
    return [line for piece in pieces for line in seen(piece) if line.text.strip()]


def is_balanced(piece: str) -> bool:
    return [*seen(piece)][-1].fence == ""


# -- texts as models write them ---------------------------------------------------------------------------------------

_word = st.text(alphabet="abcdefxyz<>*_.&é日👍", min_size=1, max_size=12)
_line = st.lists(_word, min_size=1, max_size=5).map(" ".join).filter(lambda line: escaped(line) < 60 > utf8(line))
_paragraph = st.lists(_line, min_size=1, max_size=4).map("\n".join)
_code_line = st.builds(lambda indent, line: " " * indent + line, st.sampled_from([0, 2, 4, 8]), _line) | st.just("")


@st.composite
def _code(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(["```", "~~~", "````", "~~~~~"]))
    language = draw(st.sampled_from(["", "py", "python", "c++", " sh"]))
    inner = st.sampled_from(["~~~", "~~", "``", "`` ` ``"] if mark[0] == "`" else ["```", "```py", "``"])
    lines = draw(st.lists(_code_line | inner, max_size=8))
    return "\n".join([f"{mark}{language}", *lines, mark])


TEXTS = st.lists(_paragraph | _code(), min_size=1, max_size=8).map("\n\n".join)
"""Paragraphs and code blocks, every line of them short enough to stay whole."""

LIMITS = st.integers(min_value=160, max_value=400)
"""From here on a line of these texts is less than half a piece, however it is measured."""

NOISE = st.text(alphabet="`~ \n\tab&>", max_size=600).map("Look:\n{}".format)
"""Fences where nobody expects them."""

LONG_LINES = st.text(alphabet="abc &é👍", min_size=1, max_size=900).filter(str.strip)
"""Lines that have to be cut between words, or in one."""


@each_length
@quick
@given(text=TEXTS, limit=LIMITS)
def test_no_piece_is_too_long(text: str, limit: int, length: Length) -> None:
    """Each piece is at most as long as the limit, measured the way the platform does."""
    pieces = split(text, limit, length=length)

    assert max(length(piece) for piece in pieces) <= limit


@quick
@given(text=TEXTS, limit=LIMITS)
def test_no_fence_is_left_open(text: str, limit: int) -> None:
    """Each piece opens and closes every code block it shows."""
    pieces = split(text, limit)

    assert [piece for piece in pieces if not is_balanced(piece)] == []


@quick
@given(text=TEXTS, limit=LIMITS)
def test_nothing_is_lost(text: str, limit: int) -> None:
    """All pieces together say what the text says, each line whole, with its indent and in a block of its language."""
    pieces = split(text, limit)

    assert words(pieces) == words([text])


@quick
@given(text=TEXTS, limit=LIMITS)
def test_no_piece_is_empty(text: str, limit: int) -> None:
    """Nobody is sent an empty message."""
    pieces = split(text, limit)

    assert pieces
    assert all(piece.strip() for piece in pieces)


@quick
@given(text=TEXTS)
def test_a_text_that_fits_is_left_alone(text: str) -> None:
    """A text within the limit is one piece, as it is."""
    assert split(text, len(text) + 20) == [text]


@each_length
@quick
@given(text=LONG_LINES, limit=st.integers(min_value=40, max_value=200))
def test_long_lines_keep_their_words(text: str, limit: int, length: Length) -> None:
    """A line that is too long is cut so that each piece fits, and no character of it but spaces is lost."""
    pieces = split(text, limit, length=length)

    assert max(length(piece) for piece in pieces) <= limit
    assert "".join("".join(pieces).split()) == "".join(text.split())


@each_length
@quick
@given(text=NOISE, limit=LIMITS)
@example(text="\n".join(["```py", *["a line of twenty chr"] * 6, "```py", "y" * 40, "```", "end"]), limit=160)
@example(text="\n".join([f"```{'x' * 37}", *["y" * 80] * 4]), limit=160)
@example(text="\n".join([f"{'`' * 12}{'x' * 40}", *["y" * 80] * 4]), limit=160)
def test_hostile_text_is_cut_all_the_same(text: str, limit: int, length: Length) -> None:
    """Fences that are long, many, nested or never closed make no piece too long, and leave none open."""
    fences = [found for line in text.split("\n") if (found := _FENCE.fullmatch(line.rstrip()))]
    assume(all(len(found["mark"]) <= 12 and len(found["info"]) <= 40 for found in fences))
    pieces = split(text, limit, length=length)

    assert max(map(length, pieces)) <= limit
    assert [piece for piece in pieces if not is_balanced(piece)] == []


# -- where it is cut --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "hello", "one\n\ntwo", "```py\nx = 1\n```", " lead and trail \n"])
def test_a_short_text_is_one_piece(text: str) -> None:
    """A text that fits comes back as it is, be it empty."""
    assert split(text, 100) == [text]


def test_a_long_paragraph_that_fits_is_left_alone() -> None:
    """A paragraph on one line, longer than half the limit but within it, gets no line break of ours."""
    paragraph = " ".join(["word"] * 30)

    assert split(paragraph, 200) == [paragraph]
    assert split(f"Intro.\n\n{paragraph}", 200) == [f"Intro.\n\n{paragraph}"]


def test_it_is_cut_between_lines_if_possible() -> None:
    """Where whole lines fit, none is torn."""
    lines = [f"- item number {number}" for number in range(20)]
    pieces = split("\n".join(lines), 60)

    assert [line for piece in pieces for line in piece.split("\n")] == lines


def test_it_is_cut_between_words_if_possible() -> None:
    """Where whole words fit, none is torn."""
    text = " ".join(["excellent"] * 50)
    pieces = split(text, 100)

    assert set(" ".join(pieces).split()) == {"excellent"}
    assert len(pieces) <= 10


def test_a_word_that_is_too_long_is_cut_anywhere() -> None:
    """A word without an end, an encoded picture say, is cut where the limit is."""
    pieces = split("x" * 1_000, 100)

    assert "".join("".join(pieces).split()) == "x" * 1_000
    assert max(map(len, pieces)) <= 100


def test_pieces_are_filled() -> None:
    """A text is not cut into more pieces than needed: they are nearly full."""
    text = "\n".join(["a line of a list"] * 200)

    assert len(split(text, 500)) <= len(text) // 500 + 1


@pytest.mark.parametrize("emoji", ["🇩🇪", "👩‍👩‍👧", "e\u0301"], ids=["flag", "family", "accent"])
def test_no_character_is_torn(emoji: str) -> None:
    """What a reader sees as one character stays one, in a run of them without a space, too."""
    pieces = split(emoji * 60, 43)

    lines = [line for piece in pieces for line in piece.split("\n")]
    assert [line for line in lines if line != emoji * (len(line) // len(emoji))] == []


# -- fences -----------------------------------------------------------------------------------------------------------


def test_a_cut_code_block_goes_on_in_the_next_piece() -> None:
    """A code block that is cut is closed, and opened again with its language."""
    code = [f"    line_{number:02} = {number:02}" for number in range(8)]
    pieces = split("\n".join(["```python", *code, "```"]), 80)

    assert len(pieces) > 2
    assert all(piece.startswith("```python\n    line_") and piece.endswith("\n```") for piece in pieces)
    assert [line for piece in pieces for line in piece.split("\n")[1:-1]] == code


def test_a_code_block_that_would_only_begin_is_left_to_the_next_piece() -> None:
    """No piece ends with a code block that has nothing in it."""
    pieces = split("a first line of letters\na second one of letters\n```py\nanother line of letters\n```", 60)

    assert pieces == [
        "a first line of letters\na second one of letters",
        "```py\nanother line of letters\n```",
    ]


def test_a_block_that_was_never_closed_is_closed() -> None:
    """An answer that broke off inside a code block does not turn what follows it into code."""
    assert split("Look:\n```py\nx = 1", 100) == ["Look:\n```py\nx = 1\n```"]


def test_tildes_close_tildes() -> None:
    """A block of tildes is closed and opened again with tildes, and backticks in it are its content."""
    pieces = split("\n".join(["~~~md", *["```py", "x = 1", "```"] * 6, "~~~"]), 60)

    assert len(pieces) > 1
    assert all(piece.startswith("~~~md\n") and piece.endswith("\n~~~") for piece in pieces)
    assert words(pieces) == [Seen(line, "~~~md") for line in ["```py", "x = 1", "```"] * 6]


def test_a_longer_fence_holds_shorter_ones() -> None:
    """A block that shows Markdown, in a longer fence, goes on in a fence of the same length."""
    pieces = split("\n".join(["````md", *["```", "x = 1", "```"] * 6, "````"]), 60)

    assert len(pieces) > 1
    assert all(piece.startswith("````md\n") and piece.endswith("\n````") for piece in pieces)


def test_the_text_after_a_block_is_no_code() -> None:
    """What follows a cut block stands outside of it."""
    pieces = split("\n".join(["```", *["code"] * 20, "```", "The end."]), 50)

    assert words(pieces)[-1] == Seen("The end.", "")


@pytest.mark.parametrize("line", ["```python" + 2_100 * " ", "~~~" + 2_100 * "\u00a0", "```" + 2_100 * "\t"])
def test_a_fence_with_a_long_tail_of_blanks_ends(line: str) -> None:
    """A fence line longer than a piece, which only blanks can make it, is cut to what it says."""
    assert split(f"a\n{line}\nx = 1\n{line[:3]}{2_100 * ' '}\nb", 2_000) == [
        f"a\n{line.rstrip()}\nx = 1\n{line[:3]}\nb"
    ]


def test_inline_code_opens_no_block() -> None:
    """A line that begins with code in the line is text."""
    pieces = split("\n".join(["```x``` is code in a line"] * 6), 60)

    assert len(pieces) > 1
    assert "\n".join(pieces).split("\n") == ["```x``` is code in a line"] * 6


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_the_work_grows_with_the_text() -> None:
    """Twice the lines cost about twice the work, not four times: nothing else is answered meanwhile."""

    def measured(lines: int) -> int:
        """How many characters were measured to cut so many lines."""
        total = 0

        def length(text: str) -> int:
            nonlocal total
            total += len(text)
            return len(text)

        split("1\n" * lines, 1_000_000, length=length)
        return total

    assert measured(800) < 3 * measured(400)
