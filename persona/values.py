"""What a field may hold: a proposed value in the one form its field's type knows, or why it may not be kept. Pure."""

import re
from collections.abc import Iterable

from persona import dates, orders, sensitive
from persona.canonical import canonical, has_link, skeleton
from persona.refusals import RefusedError
from persona.schema import Field

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,6})?")

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese, Korean: where words do not stand apart, each sign counts."""

_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")

MIN_SAID = 1 / 3
"""How much of a value must stand in the words it rests on: a value taken from elsewhere has next to nothing there."""


def kept(text: str, field: Field) -> str:
    """The value as it is kept.

    Raises:
        RefusedError: it holds no letter or digit, is too long, of another type, or carries what no value may.
    """
    value = canonical(text)
    if not any(char.isalnum() for char in value):
        raise RefusedError("empty")
    if field.choices:
        return _choice(value, field)
    if field.type == "date":
        return _date(value)
    if field.type == "number":
        return _number(value)
    return _text(value, field)


def is_said(value: str, field: Field, quotes: Iterable[str]) -> bool:
    """Whether a kept value is borne out by the words it rests on, so that a true quote cannot carry a foreign value.

    Choices, dates and numbers are said in many ways and cannot carry much; of free text at least `MIN_SAID`, counted in
    letters, must be words of the quotes or begin like them.
    """
    if field.choices or field.type in {"date", "number"}:
        return True
    said = skeleton(" ".join(quotes))
    words = _WORD.findall(skeleton(value))
    return sum(len(word) for word in words if _stem(word) in said) >= MIN_SAID * sum(map(len, words))


def _stem(word: str) -> str:
    return word[: max(4, len(word) * 2 // 3)]


def _choice(value: str, field: Field) -> str:
    for choice in field.choices:
        if choice.casefold() == value.casefold():
            return choice
    raise RefusedError("not a choice")


def _date(value: str) -> str:
    if not dates.is_date(value):
        raise RefusedError("not a date")
    return value


def _number(value: str) -> str:
    """The amount without the thousands separators people write: 1,200.50 is 1200.50."""
    plain = re.sub(r"(?<=\d)[, '_](?=\d{3}(?:\D|$))", "", value)
    if not _NUMBER.fullmatch(plain):
        raise RefusedError("not a number")
    return plain.lstrip("+")


def _text(value: str, field: Field) -> str:
    if len(value) > field.max_chars:
        raise RefusedError("too long")
    if has_link(value):
        raise RefusedError("link")
    if sensitive.category(value, but=field.special):
        raise RefusedError("sensitive")
    if orders.is_order(value):
        raise RefusedError("instruction")
    return value
