"""Looks for words in the bytes of files, in whatever way a program may have written them."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote


def _base64(alignment: int, *, altchars: bytes) -> Callable[[str], bytes]:
    """Base64 of a text in which a word begins that many bytes after a group of three; only what is the word's own."""

    def encode(word: str) -> bytes:
        encoded = base64.b64encode(bytes(alignment) + word.encode(), altchars)
        own_from = (0, 2, 3)[alignment]
        bits = 8 * (alignment + len(word.encode()))
        return encoded[own_from : bits // 6]

    return encode


WAYS: Mapping[str, Callable[[str], bytes]] = {
    "plain": lambda word: word.encode(),
    "Latin-1": lambda word: word.encode("latin-1"),
    "UTF-16, little end first": lambda word: word.encode("utf-16-le"),
    "UTF-16, big end first": lambda word: word.encode("utf-16-be"),
    "hex": lambda word: word.encode().hex().encode(),
    "HEX": lambda word: word.encode().hex().upper().encode(),
    "JSON": lambda word: word.encode("ascii", "backslashreplace").replace(rb"\xf6", rb"\u00f6"),
    "JSON in capitals": lambda word: word.encode("ascii", "backslashreplace").replace(rb"\xf6", rb"\u00F6"),
    "Python": lambda word: word.encode("unicode_escape"),
    "URL": lambda word: quote(word).encode(),
    "URL in small letters": lambda word: quote(word).lower().encode(),
    **{f"Base64 at {at}": _base64(at, altchars=b"+/") for at in range(3)},
    **{f"URL-safe Base64 at {at}": _base64(at, altchars=b"-_") for at in range(3)},
}


@dataclass(slots=True, kw_only=True)
class Scan:
    """What was read, and what was found in it."""

    files: dict[str, int] = field(default_factory=dict)
    """Each with its size."""
    hits: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """For each word that was found, where and how it is written."""


def scan(folder: Path, words: Iterable[str]) -> Scan:
    """Look into every file under a folder. Words all of one length, with one beginning, are looked for much faster."""
    forms = _forms(words)
    done = Scan()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content, name = path.read_bytes(), str(path.relative_to(folder))
        done.files[name] = len(content)
        for (way, length, start), wanted in forms.items():
            for word in _in(content, wanted, length=length, start=start):
                done.hits[word].append(f"{name} ({way})")
    return done


def _forms(words: Iterable[str]) -> dict[tuple[str, int, bytes], dict[bytes, str]]:
    """How each word may be written, by way and length, with what all of them begin with."""
    grouped: defaultdict[tuple[str, int], dict[bytes, str]] = defaultdict(dict)
    for word in words:
        for way, encode in WAYS.items():
            form = encode(word)
            grouped[way, len(form)][form] = word
    return {(way, size, _beginning(forms)): forms for (way, size), forms in grouped.items()}


def _beginning(forms: Collection[bytes]) -> bytes:
    first, last = min(forms), max(forms)
    same = (number for number, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(same, len(first))]


def _in(content: bytes, wanted: Mapping[bytes, str], *, length: int, start: bytes) -> set[str]:
    """The words of which a form stands in `content`; `start` is what every form begins with."""
    if len(start) < 3:  # they have nothing in common to look for
        return {word for form, word in wanted.items() if form in content}
    hits, at = set(), content.find(start)
    while at >= 0:
        word = wanted.get(content[at : at + length])
        if word is not None:
            hits.add(word)
        at = content.find(start, at + 1)
    return hits
