"""One spelling for what looks the same: how text is compared, and what a kept value may consist of."""

import re
import unicodedata

_PLAIN = str.maketrans({"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"'} | dict.fromkeys("‐‑‒–—―−", "-"))
_JOINED = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\u2190-\u2bff\U0001f000-\U0001faff"
"""Arabic, the scripts of India, Burmese, Khmer, Mongolian, emoji: what cannot be written without joiners."""

_JOINERS = re.compile(f"(?<=[{_JOINED}])([\u200c\u200d])[\u200c\u200d]*(?=[{_JOINED}])|[\u200c\u200d]+")
_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that show nothing: Unicode's Default_Ignorable_Code_Point beyond the categories of `_is_hidden`."""

_LINK = re.compile(r"(?:\w+://|www\.)\S", re.IGNORECASE)
_FENCE = r"```[\s\S]*?(?:```|\Z)"
_NOT_TYPED = re.compile(rf"^[ \t]*(?:>|&gt;){{3}}[\s\S]*|^[ \t]*(?:>|&gt;)(?:{_FENCE}|.)*|{_FENCE}", re.MULTILINE)
"""What somebody else may have written: `>>>` with all that follows it, lines after `>`, fenced code."""


def canonical(text: str) -> str:
    """`text` in Unicode's compatibility form, without characters that show nothing, on one line."""
    spaced = " ".join(unicodedata.normalize("NFKC", text).split())
    shown = "".join(char for char in _BLANKS.sub("", spaced) if not _is_hidden(char))
    return " ".join(unicodedata.normalize("NFKC", _JOINERS.sub(r"\1", shown)).split())


def _is_hidden(char: str) -> bool:
    return char not in "\u200c\u200d" and unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Cn"}


def comparable(text: str) -> str:
    """`text` as it is compared: canonical, without case, typographic quotes and dashes made plain."""
    return canonical(canonical(text).translate(_PLAIN).casefold())


def typed(text: str) -> list[str]:
    """What a member wrote themself: the passages of `text` between quoted lines and fenced code.

    `>>>` quotes everything that follows, on Slack and on Discord. Somebody else's words pasted without a mark cannot
    be told apart here; the guard's other rules bound what they do.
    """
    return _NOT_TYPED.split(text)


def is_quoted(words: str, text: str) -> bool:
    """Whether a member literally typed `words` in `text`, in one passage."""
    wanted = comparable(words)
    return any(wanted in comparable(passage) for passage in typed(text))


def has_link(text: str) -> bool:
    """Whether `text` holds a web address."""
    return _LINK.search(text) is not None
