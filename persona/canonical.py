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

_LOOKALIKES = str.maketrans(
    "ŁØĐАВЕКМНОРСТУХЅІЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧавекмнорстухєѕіјһӏԁԛԝαβεηικνορτυχωհոսօıłøđɑɡᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ",
    "LODABEKMHOPCTYXSIJABEZHIKMNOPTYXabekmhopctyxesijhldqwabenikvoptuxwhnuoilodagabcdefghijklmnoprstuvwyz",
)
"""Cyrillic, Greek, Armenian and odd Latin letters that read as one of a to z: the common of Unicode's confusables."""

_SPELLED_OUT = re.compile(r"(?<!\w)[^\W\d_](?:[ ._*-][^\W\d_]){4,}(?!\w)")
_DIGITS_IN_WORDS = re.compile(r"(?<=[a-z])[0-9@$]+|[0-9@$]+(?=[a-z])")
_ONE_AS_I, _ONE_AS_L = (str.maketrans("01345789@$", f"o{one}eastbgas") for one in "il")

_LINK = re.compile(
    r"(?:\w+://|www\.|\b(?:mailto|javascript|data):)\S|(?<![\w.])\w[\w-]*(?:\.[\w-]+)*\.(?!js\b)[a-z]{2,}(?::\d+)?/\w"
    r"|\w@[\w-]+\.\w",
    re.IGNORECASE,
)
"""A scheme, `www`, a mail address, or a host with a path: `example.com` alone is also how tools are called."""
_FENCE = r"```[\s\S]*?(?:```|\Z)"
_FORWARD = r"^[ \t]*-{5,}[ \t]*\w.*-{5,}[ \t]*$[\s\S]*"
_NOT_TYPED = re.compile(
    rf"^[ \t]*(?:>|&gt;){{3}}[\s\S]*|^[ \t]*(?:>|&gt;)(?:{_FENCE}|.)*|{_FENCE}|{_FORWARD}", re.MULTILINE
)
"""What somebody else may have written: `>>>` with all that follows it, lines after `>`, fenced code, and what follows
the line that mail programs put over a forwarded message: dashes, words, dashes."""

_MARKS = (">", "&gt;", "```", "-----")
"""Without any of these nothing in a text is marked as somebody else's."""


def canonical(text: str) -> str:
    """`text` in Unicode's compatibility form, without characters that show nothing, on one line."""
    spaced = " ".join(unicodedata.normalize("NFKC", text).split())
    if spaced.isprintable() and not _BLANKS.search(spaced):  # nearly every text; no joiner is printable
        return spaced
    shown = "".join(char for char in _BLANKS.sub("", spaced) if not _is_hidden(char))
    return " ".join(unicodedata.normalize("NFKC", _JOINERS.sub(r"\1", shown)).split())


def _is_hidden(char: str) -> bool:
    return char not in "\u200c\u200d" and unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Cn"}


def comparable(text: str) -> str:
    """`text` as it is compared: canonical, without case, typographic quotes and dashes made plain."""
    plain = canonical(text)
    return plain.casefold() if plain.isascii() else canonical(plain.translate(_PLAIN).casefold())


def skeleton(text: str) -> str:
    """`text` as it looks at a glance: comparable, without accents, letters of other scripts as those they look like."""
    plain = canonical(text)
    if plain.isascii():
        return plain.casefold()
    latin = comparable(plain.translate(_LOOKALIKES))
    return "".join(char for char in unicodedata.normalize("NFD", latin) if not unicodedata.combining(char))


def readings(text: str) -> tuple[str, ...]:
    """What a reader may take `text` for, for screens that look for words: each different, `comparable` first (S9).

    Besides its skeleton also with words that were spelled out joined, and with digits as the letters they stand for.
    """
    joined = _SPELLED_OUT.sub(lambda found: re.sub(r"[ ._*-]", "", found[0]), skeleton(text))
    if not _DIGITS_IN_WORDS.search(joined):  # nearly every text
        return tuple(dict.fromkeys((comparable(text), joined)))
    as_i = _DIGITS_IN_WORDS.sub(lambda found: found[0].translate(_ONE_AS_I), joined)
    as_l = _DIGITS_IN_WORDS.sub(lambda found: found[0].translate(_ONE_AS_L), joined)
    return tuple(dict.fromkeys((comparable(text), joined, as_i, as_l)))


def is_spelled_out(text: str) -> bool:
    """Whether `text` holds a word letter by letter: `l i k e  t h i s`, which hides where words begin."""
    return _SPELLED_OUT.search(text) is not None


def typed(text: str) -> list[str]:
    """What a member wrote themself: the passages of `text` between quoted lines, fenced code and forwarded mail.

    `>>>` quotes everything that follows, on Slack and on Discord. Somebody else's words pasted without a mark cannot
    be told apart here; the guard's other rules bound what they do.
    """
    return _NOT_TYPED.split(text)


def is_quoted(words: str, text: str) -> bool:
    """Whether a member literally typed `words` in `text`, in one passage."""
    if text.isascii() and words in text and not any(mark in text for mark in _MARKS):  # nearly every quote
        return True
    wanted = comparable(words)
    return any(wanted in comparable(passage) for passage in typed(text))


def has_link(text: str) -> bool:
    """Whether `text` holds a web address."""
    return _LINK.search(text) is not None
