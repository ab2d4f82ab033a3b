"""What Discord shows of our commands in the languages of its users: `wording.toml`, put beside the English."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TABLES: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("wording.toml").read_text(encoding="utf-8"))

LOCALES: Mapping[str, list[str]] = _TABLES["locales"]
"""Our languages, with what Discord calls them."""


def option(name: str) -> str:
    """What an option is, in English."""
    return str(_TABLES["options"].get(name, {}).get("en", {}).get("text", name))


def localised(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group as it is registered, with translations of it, of its verbs and of their options."""
    kind = "verbs" if group["name"] == "persona" else f"{group['name']}-verbs"
    verbs = [
        {**verb, **_translated(kind, verb["name"]), "options": [_option(option) for option in verb["options"]]}
        for verb in group["options"]
    ]
    return {**group, **_translated("groups", group["name"]), "options": verbs}


def menu(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A context menu command as it is registered, with its translations."""
    return {**payload, **_translated("menus", payload["name"])}


def _option(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {**payload, **_translated("options", payload["name"])}


def _translated(kind: str, name: str) -> dict[str, dict[str, str]]:
    """The names and descriptions in every language that has them."""
    entry = _TABLES[kind].get(name, {})
    return {
        localisations: {
            locale: entry[language][key]
            for language, locales in LOCALES.items()
            if key in entry.get(language, {})
            for locale in locales
        }
        for key, localisations in (("name", "name_localizations"), ("text", "description_localizations"))
    }
