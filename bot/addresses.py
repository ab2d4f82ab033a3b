"""The output gate: no reply makes a link of an address that nobody in its room posted (S7).

Whoever makes a model write a link can carry off, in its path or host, what the prompt held; a preview or a click
delivers it. So an address stays live only if it stands, letter by letter, in what the prompt showed of the room.
Every other is written `https[:]//evil[.]example`, which people can read and no platform makes a link of. What the
platforms make links of, and what is left alone, is decision 0021.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import TYPE_CHECKING

from bot.markdown import fence_after

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_TAIL = 5
"""Punctuation after a known address that may still be taken for a part of it, as in `**[it](https://a.example)**.`"""

FILE_ENDINGS = frozenset(["cc", "md", "mk", "ml", "mm", "pl", "pm", "ps", "py", "rs", "sh", "so", "tf"])
"""Top-level domains that are read as the ending of a file's name: `README.md` is left alone. `zip` and `mov` are not:
people who phish buy those."""

_CHUNK = re.compile(r"[^ \t]+")
_HINT = re.compile(r"[.:@&][^ \t\n]|<\+")
"""Without this a text holds no address in any spelling."""

_ADDRESS = re.compile(
    r"(?P<sure>[a-z][a-z0-9+.-]{0,40}:/{2,}(?=.*\w).*"  # any scheme: https, slack, steam …
    r"|(?:https?|(?<![^\W_])(?:ftps?|mailto|tel|sms|callto|magnet)):(?=[/+]*\w).*"  # Discord mends `http:evil.example`
    r"|(?<![^\W_])www\.(?=\w).*"
    r"|(?<![^\W_])discord(?:app)?\.\w{2,9}/(?=\w).*"  # an invitation needs no scheme
    r"|<\+(?=\d).*"  # Discord's telephone numbers
    r"|\w[\w.+%'-]{0,63}@(?:[\w-]{1,63}\.)+[^\W\d_](?:[^\W_]|-){1,62}(?:[?@].*)?)"
    r"|(?P<host>(?<![^\W_])(?:[^\W_][\w-]{0,62}\.){1,8}(?P<ending>[^\W\d_](?:[^\W_]|-){1,62})(?![^\W_]|-)"
    r"(?::\d{1,5})?(?P<path>[/?#].*)?)",
    re.IGNORECASE | re.DOTALL,
)
"""What may be an address, with all that a platform may take for its rest. A host counts if it ends as hosts do."""

_TAIL = ".,:;!?)]}>'\"*_~`|…»”’“„、。，；：！？）」』】》\u00a0\u202f"
_CUT = re.compile(r"[\"<>`|\\^{}]|[^\x00-\x7f]")
"""What no address holds unescaped: where it was posted, it ended before that."""

_UNSEEN = re.compile(
    r"[*~`\\\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""Marks that vanish when Markdown is drawn, and characters that show nothing."""

_PLAIN_FENCE = re.compile(r"`{3,}[\w+#. -]*")
_INLINE = re.compile(r"(?<![\w`\\])`[^`\s](?:[^`]{0,600}[^`\s])?`(?![\w`])")
_MASKED = re.compile(
    r"!?\[([^\]\[\n]{0,300})\]\([ \t]{0,9}<?([a-z][a-z0-9+.-]{0,40}:(?:[^()\s<>]|\([^()\s<>]{0,100}\)){1,1000})>?"
    r"(?:\s[^()\n]{0,200})?\)",
    re.IGNORECASE,
)
_ANY_LINK = re.compile(r"!?\[([^\]\[\n]{0,300})\]\(((?:[^()\s]|\([^()\s]{0,100}\)){1,1000})(?:\s[^()\n]{0,200})?\)")
_OPENS_TARGET = re.compile(r"\]\((?=[^\w)]{0,40}(?:$|www\.|[a-z][a-z0-9+.-]{0,40}:))", re.IGNORECASE)
_JOINT = re.compile(r"(\[(?:[.:@+])\])|[.:@]|(?<=<)\+")


def found(*texts: str) -> frozenset[str]:
    """The addresses that stand in `texts`, as people who read those could have followed them."""
    addresses = {form for text in texts for address in _all(text) for form in (address, _CUT.split(address, 1)[0])}
    return frozenset(
        form for address in addresses for bare in (address.lstrip("_").rstrip(_TAIL),) for form in (bare, _drawn(bare))
    )


def gated(text: str, known: Collection[str]) -> str:
    """`text`, in Markdown, with every address defanged that is not one of `known`; a link shows where it leads.

    What holds no address comes back as it is, and so does what was gated before. A host's bare name counts as an
    address only outside of code: there it is as often `asyncio.run`, and no platform makes a link of it.
    """
    if not _HINT.search(text) and "](" not in text:
        return text
    lines, block = [], _Block()
    for line in text.split("\n"):
        is_code = block.holds(line)
        lines.append(_gated_line(line if is_code else _unmasked(line), known, is_code=is_code))
    return "\n".join(lines)


def parts(text: str, known: Collection[str], cut: Callable[[str], list[str]]) -> list[str]:
    """`text` gated and cut, each part gated once more: a cut may end an address early, or leave code without a mark."""
    pieces = cut(gated(text, known))
    while (safe := [gated(piece, known) for piece in pieces]) != pieces:
        pieces = [piece for one in safe for piece in cut(one)]  # fewer are live each time, so it ends
    return pieces


class _Block:
    """Which lines are code on every platform: those between fences of backticks, as long as no others stand about."""

    def __init__(self) -> None:
        self._fence = ""
        self._is_plain = True

    def holds(self, line: str) -> bool:
        """Whether `line`, which comes after those asked about before, is code."""
        before, self._fence = self._fence, fence_after(self._fence, line)
        if bool(before) == bool(self._fence):
            self._is_plain = self._is_plain and "```" not in line  # Slack begins or ends a block in the midst of a line
            return bool(before) and self._is_plain
        self._is_plain = self._is_plain and bool(before or _PLAIN_FENCE.fullmatch(self._fence))
        return False


def _gated_line(line: str, known: Collection[str], *, is_code: bool) -> str:
    if not _HINT.search(line):
        return line
    prose = "\0" * len(line) if is_code else _without_code(line)
    pieces, end = [], 0
    for chunk in _CHUNK.finditer(line):
        begin, text = chunk.start(), chunk[0]
        if _HINT.search(text):
            text = _gated_chunk(text, prose[begin : chunk.end()], known)
        pieces += [line[end:begin], text]
        end = chunk.end()
    return "".join([*pieces, line[end:]])


def _gated_chunk(chunk: str, prose: str, known: Collection[str]) -> str:
    """What stands between two spaces; `prose` is the same without what is code in it."""
    if _is_safe(chunk, prose, known):
        return chunk
    body = chunk.rstrip(_TAIL)
    defanged = _defanged(body) + chunk[len(body) :]
    if _is_safe(defanged, defanged, known):
        return defanged
    return _defanged(chunk).replace("&", "[&]")  # an entity stands for a dot or colon


def _is_safe(chunk: str, prose: str, known: Collection[str]) -> bool:
    is_mixed = prose != chunk
    for text in {chunk, _drawn(chunk)}:
        if not all(_is_known(run, known) for run in _runs(text, with_hosts=not is_mixed)):
            return False
    return not is_mixed or all(
        _is_known(run, known) for text in {prose, _drawn(prose)} for run in _runs(text, with_hosts=True)
    )


def _is_known(run: str, known: Collection[str]) -> bool:
    bare = run.lstrip("_").rstrip(_TAIL)  # italics begin with what a mail address may begin with
    return bare in known and len(run) - len(bare) <= MAX_TAIL


def _all(text: str) -> Iterable[str]:
    for line in text.split("\n"):
        for chunk in _CHUNK.findall(line) if _HINT.search(line) else ():
            for piece in chunk.split("](") if _HINT.search(chunk) else ():
                yield from _runs(piece, with_hosts=True)


def _runs(chunk: str, *, with_hosts: bool) -> Iterable[str]:
    """The addresses of a chunk, each with all that a platform may take for its rest."""
    address = _ADDRESS.search(chunk)
    while address:
        is_one = address["sure"] or (with_hosts and _is_host(address))
        if is_one:
            yield address[0]
        address = _ADDRESS.search(chunk, address.end() if is_one else address.start() + 1)


def _is_host(address: re.Match[str]) -> bool:
    ending = unicodedata.normalize("NFKC", address["ending"]).casefold()
    name = address["host"][: address.end("ending") - address.start()]
    if ending in FILE_ENDINGS and name.count(".") == 1 and not address["path"]:
        return False
    host = unicodedata.normalize("NFKC", name).casefold()
    return _suffixes().publicsuffix(host, accept_unknown=False) is not None


@cache
def _suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - a tenth of a second, off the start

    return PublicSuffixList(only_icann=True)


def _drawn(text: str) -> str:
    """The text as Markdown may draw it: entities read, marks and what shows nothing gone."""
    return _UNSEEN.sub("", html.unescape(text))


def _defanged(text: str) -> str:
    return _JOINT.sub(lambda joint: joint[1] or f"[{joint[0]}]", text)


def _without_code(line: str) -> str:
    """The line with what is code on every platform blanked, its length kept."""
    if "`" not in line or not _has_plain_code(line):
        return line
    return _INLINE.sub(lambda code: "\0" * len(code[0]), line)


def _has_plain_code(line: str) -> bool:
    """Whether everybody agrees what between backticks is: pairs of single ones, none escaped."""
    return "``" not in line and "\\" not in line and line.count("`") % 2 == 0


def _unmasked(line: str) -> str:
    """The line with the target of each link beside its words, in no form that hides it."""
    if "](" not in line:
        return line
    if not _has_plain_code(line):
        return _shown(line)
    pieces, end = [], 0
    for code in _INLINE.finditer(line):
        pieces += [_shown(line[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, _shown(line[end:])])


def _shown(text: str) -> str:
    beside = _MASKED.sub(_beside, text)
    beside = _OPENS_TARGET.sub("] (", beside)
    if "](" in beside and set(_all(_ANY_LINK.sub(_beside, beside))) - set(_all(beside)):
        return beside.replace("](", "] (")  # drawn as a link, `evil.[dev](x)` would become an address
    return beside


def _beside(link: re.Match[str]) -> str:
    return link[2] if link[1] in {"", link[2]} else f"{link[1]} ({link[2]})"
