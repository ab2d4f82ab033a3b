"""What nobody in their right mind would send: words, values, and payloads with something wrong in them."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

WORDS = (
    "",
    " ",
    "\x00",
    "\ud800",
    "\u202e\u2066dlrow",
    "\u200b" * 500,
    "e" + "\u0301" * 3_000,
    "<!channel> <!everyone> @everyone @here",
    "<@U0BOT>" * 2_000,
    "<" * 20_000,
    "<@" * 10_000,
    "<a|" * 7_000,
    "```" * 5_000,
    "[" * 10_000,
    "[a](" * 5_000,
    "*_~`" * 5_000,
    "https://" * 3_000,
    "a." * 10_000,
    "@" * 10_000,
    "x" * 200_000,
    "' OR 1=1; DROP TABLE inbox; --",
    ":tenant :key :room",
    '{"operations": []}]}',
    "../../etc/passwd",
    "%s%n{0}{}{self}",
    "NaN",
    "-1",
    "1e400",
    "9" * 400,
)
_NUMBERS = (0, -1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308)


def words() -> st.SearchStrategy[str]:
    """Text: any at all, or what is known to break things; surrogates without their half included."""
    any_text = st.text(st.characters(exclude_categories=()), max_size=200)
    known = st.sampled_from(range(len(WORDS))).map(lambda place: WORDS[place])  # their repr would be half a megabyte
    return st.one_of(any_text, known, st.tuples(any_text, known).map("".join))


def values() -> st.SearchStrategy[Any]:
    """Any piece of JSON."""
    leaves = st.one_of(st.none(), st.booleans(), st.sampled_from(_NUMBERS), st.integers(), words())
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4), inner.map(_deep)
        ),
        max_leaves=8,
    )


def _deep(inner: Any) -> Any:
    """The same, far inside."""
    for _ in range(100):
        inner = [inner]
    return inner


@st.composite
def altered(draw: st.DrawFn, payload: Any) -> Any:
    """A payload in which one to three places are gone, or hold anything."""
    changed = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(changed))
        if not places:
            break
        *above, last = draw(st.sampled_from(places))
        holder = changed
        for step in above:
            holder = holder[step]
        if draw(st.booleans()):
            del holder[last]
        else:
            holder[last] = draw(values())
    return changed


def _places(node: Any, above: Path = ()) -> Iterator[Path]:
    """Where something stands in a payload, from the outside in."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, inner in inside:
        yield (*above, step)
        if len(above) < 8:
            yield from _places(inner, (*above, step))
