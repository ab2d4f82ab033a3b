"""Which sections and fields a persona has: data, read from TOML.

Two schemas ship: `workplace`, the default, and `paper`, the 18 leaf fields of the AI Persona paper.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from persona.canonical import canonical
from persona.errors import SchemaError

FieldType = Literal["text", "list", "choice", "date", "number"]
"""Free text · several texts · one of `choices` · a day, month or year · an amount of `unit`."""

SHIPPED = {path.stem: path for path in (Path(__file__).parent / "schemas").glob("*.toml")}
"""The schemas that come with the package, by name."""

MAX_VALUE_CHARS = 160
"""No field may hold a longer value: room for a sentence, none for a manual (reliability S3)."""

MAX_ITEMS = 12
"""How many values a list keeps unless its field says otherwise."""

EVERY_FIELD = {"all", "everything"}
"""What stands for all fields at once; no field may be called that."""

MAX_UNIT_CHARS = 30
MAX_LIFE_DAYS = 36_500

_FLAGS = ("style", "observable", "sensitive")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_FIELD_KEYS = {
    *("type", "description", "max_chars", "max_items", "choices", "unit"),
    *("style", "observable", "sensitive", "life_days"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One key of a persona and what it may hold."""

    section: str
    name: str
    """Unique over all sections: what members type and what the optimizer names."""
    type: FieldType
    description: str
    """One line for the optimizer: what belongs here."""
    max_chars: int = MAX_VALUE_CHARS
    max_items: int = MAX_ITEMS
    choices: tuple[str, ...] = ()
    """If given, the only values allowed, for a choice as for the items of a list."""
    unit: str = ""
    """What a number counts, such as EUR or hours a week."""
    style: bool = False
    """Shapes the form of answers anywhere and is never spoken; only fields with `choices` may."""
    observable: bool = False
    """May be learned from how a member writes and what they ask for, besides from what they say of themself."""
    sensitive: bool = False
    """Holds what Rapport does not keep unless a member opts in: declared, so that a schema can be complete."""
    life_days: int | None = None
    """After so many days without being said again, a value is uncertain; None is never."""
    special: str = ""
    """The special category it holds, which its member has to agree to; no file declares such fields, code does."""

    @property
    def is_list(self) -> bool:
        """Whether the field holds several values at once."""
        return self.type == "list"

    @property
    def label(self) -> str:
        """The name as a person reads it."""
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class Schema:
    """The fields of every persona, in the order they are shown."""

    name: str
    fields: tuple[Field, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    @cached_property
    def special(self) -> tuple[str, ...]:
        """The special categories members can agree to: none, unless whoever runs us allows some."""
        return tuple(field.special for field in self.fields if field.special)

    def agreed(self, categories: Collection[str]) -> "Schema":
        """The schema where these special categories are agreed to, and no other; the very same if it has no other."""
        if set(self.special) <= set(categories):
            return self
        kept = tuple(field for field in self.fields if not field.special or field.special in categories)
        return Schema(name=self.name, fields=kept)

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections in order."""
        return tuple(dict.fromkeys(field.section for field in self.fields))


def field_name(words: str) -> str:
    """The name of the field a person means by `words`: case, spaces and dashes do not matter."""
    return "_".join(words.casefold().replace("-", " ").replace("_", " ").split())


def load(source: str = "workplace") -> Schema:
    """Read a schema.

    Args:
        source: the name of a shipped schema, or the path of a TOML file.

    Raises:
        SchemaError: there is no such file, it is not TOML, or a field is declared wrongly; all mistakes are listed.
    """
    path = SHIPPED.get(source) or Path(source)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        shipped = ", ".join(sorted(SHIPPED))
        raise SchemaError(f"{source!r} cannot be read ({error.strerror}); name a file, or one of: {shipped}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{source!r} is not valid TOML: {error}") from error
    return parse(tables, name=path.stem, source=source)


def parse(tables: Mapping[str, Any], *, name: str, source: str = "the schema") -> Schema:
    """Turn TOML tables `[section.field]` into a schema; raises `SchemaError` with every mistake."""
    mistakes: list[str] = []
    fields: list[Field] = []
    taken: dict[str, str] = {}
    for section, entries in tables.items():
        for key, entry in entries.items() if isinstance(entries, Mapping) else [(section, entries)]:
            where = f"[{section}.{key}]"
            wrong = [*_mistakes(entry), *_name_mistakes(key)]
            if key in taken:
                wrong.append(f"the name is taken by {taken[key]}")
            taken.setdefault(key, where)
            mistakes += [f"{where}: {mistake}" for mistake in wrong]
            if not wrong:
                fields.append(_field(section, key, entry))
    if not fields and not mistakes:
        mistakes.append("it declares no field")
    if mistakes:
        raise SchemaError(f"{source!r} is not a persona schema:\n  " + "\n  ".join(mistakes))
    return Schema(name=name, fields=tuple(fields))


def _field(section: str, name: str, entry: Mapping[str, Any]) -> Field:
    choices = tuple(entry.get("choices", ()))
    return Field(section=section, name=name, **{**entry, "choices": choices})


def _name_mistakes(name: str) -> list[str]:
    rules = {
        "a name is made of a-z, 0-9 and _, and begins with a letter": _NAME.fullmatch(name) is not None,
        "a name has single _ between words: members type it with spaces": field_name(name) == name.casefold(),
        f"{name!r} stands for all fields": name not in EVERY_FIELD,
    }
    return [mistake for mistake, holds in rules.items() if not holds]


def _mistakes(entry: object) -> list[str]:
    if not isinstance(entry, Mapping):
        return ["a field is a table with at least type and description"]
    return [mistake for check in (_key_mistakes, _value_mistakes) for mistake in check(entry)]


def _key_mistakes(entry: Mapping[str, Any]) -> list[str]:
    unknown = [
        f"unknown key {key!r}; known: {', '.join(sorted(_FIELD_KEYS))}" for key in entry if key not in _FIELD_KEYS
    ]
    missing = [f"{key} is missing" for key in ("type", "description") if key not in entry]
    return unknown + missing


def _value_mistakes(entry: Mapping[str, Any]) -> list[str]:
    kind, choices = entry.get("type", "text"), entry.get("choices", [])
    max_chars, max_items = entry.get("max_chars", MAX_VALUE_CHARS), entry.get("max_items", MAX_ITEMS)
    life = entry.get("life_days")
    rules = {
        f"type is {kind!r}; one of: {', '.join(get_args(FieldType))}": kind in get_args(FieldType),
        "description must be one line of text": isinstance(entry.get("description", ""), str)
        and "\n" not in entry.get("description", ""),
        f"max_chars is {max_chars!r}; a whole number from 1 to {MAX_VALUE_CHARS}": _within(max_chars, MAX_VALUE_CHARS),
        f"max_items is {max_items!r}; a whole number from 1 to 40": _within(max_items, 40),
        "choices must be a list of different texts, without odd spaces or characters": _are_choices(choices),
        "a choice needs choices": kind != "choice" or bool(choices),
        "only a choice or a list takes choices": kind in ("choice", "list") or not choices,
        **{f"{flag} is true or false": isinstance(entry.get(flag, False), bool) for flag in _FLAGS},
        "unit is a short text, for a number": _is_unit(entry),
        f"life_days is {life!r}; a whole number from 1 to {MAX_LIFE_DAYS}": life is None
        or _within(life, MAX_LIFE_DAYS),
        "style needs choices: a closed list cannot carry a secret into another room": not entry.get("style")
        or bool(choices),
    }
    return [mistake for mistake, holds in rules.items() if not holds]


def _is_unit(entry: Mapping[str, Any]) -> bool:
    unit = entry.get("unit", "")
    is_short = isinstance(unit, str) and len(unit) <= MAX_UNIT_CHARS and unit == canonical(unit)
    return is_short and (not unit or entry.get("type") == "number")


def _within(number: object, most: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= most


def _are_choices(choices: object) -> bool:
    return (
        isinstance(choices, list)
        and all(isinstance(choice, str) and 0 < len(choice) <= MAX_VALUE_CHARS for choice in choices)
        and all(choice == canonical(choice) for choice in choices)
        and len({choice.casefold() for choice in choices}) == len(choices)
    )
