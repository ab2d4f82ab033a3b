"""PRIVACY.md promises what the code does: every life, limit and category in it is the one that holds."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot import applying
from bot.commands.registry import COMMANDS
from bot.settings import Settings
from bot.store import off_record, retention
from persona import audit, observation, quarantine, special
from persona.sensitive import CATEGORIES

PAGE = (Path(__file__).parents[2] / "PRIVACY.md").read_text()
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}
UNITS = {"hours": timedelta(hours=1), "days": timedelta(days=1), "seconds": timedelta(seconds=1)}

LIVES = {
    "What is known of you after your account": DEFAULTS["departed_retention"],
    "What is known of you after you said nothing": DEFAULTS["departed_retention"],
    "What was said in a channel that was closed": DEFAULTS["departed_retention"],
    "Everything of a workspace": DEFAULTS["purge_after"],
    "The text of your messages": DEFAULTS["message_retention"],
    "Text that could not be learned": retention.PARKED_LIFE,
    "The text of a reply": retention.REPLY_LIFE,
    "That a message was answered": retention.KEY_LIFE,
    "That you were off the record": off_record.ENDED_LIFE,
    "What you agreed to of a special category": special.LIFE,
    "That something you said was not kept": quarantine.LIFE,
    "What each call of the language model cost": retention.USAGE_LIFE,
    "The audit log": audit.LIFE,
}
"""What ends by itself, by how its row begins."""


def lives() -> dict[str, timedelta]:
    """The rows of the table that name a time, by how they begin."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (\d+) (\w+)", PAGE, re.MULTILINE)
    return {what: int(number) * UNITS[unit] for what, number, unit in rows}


@pytest.mark.parametrize("beginning", LIVES)
def test_what_is_kept_goes_when_the_page_says(beginning: str) -> None:
    """A row of the table names the time after which the code erases."""
    (life,) = [life for what, life in lives().items() if what.startswith(beginning)]

    assert life == LIVES[beginning]


def test_every_time_in_the_table_is_held_to_the_code() -> None:
    """No row names a time that nobody compares."""
    assert len(lives()) == len(LIVES)


def test_the_categories_are_those_that_are_refused() -> None:
    """What is never kept is listed, in full and in the code's words."""
    (listed,) = re.findall(r"## What is never kept\n\n(.+)\.\n", PAGE)

    assert [category.lower() for category in listed.split(", ")] == list(CATEGORIES)


@pytest.mark.parametrize("name", re.findall(r"`/persona (\w+)", PAGE))
def test_every_command_of_the_page_exists(name: str) -> None:
    """What members are told to type is a verb."""
    assert name in COMMANDS


@pytest.mark.parametrize("name", re.findall(r"\*setting\*: `(\w+)`", PAGE))
def test_every_setting_of_the_page_exists(name: str) -> None:
    """What an operator can change is a setting."""
    assert name.lower() in DEFAULTS


def test_limits_are_those_that_hold() -> None:
    """The other numbers of the page are the code's."""
    assert f"at most {applying.MAX_PER_DAY} facts about you in a day" in PAGE
    assert f"every {DEFAULTS['sweep_every'].total_seconds():.0f} seconds" in PAGE
    assert (observation.MIN_MESSAGES, observation.MIN_SESSIONS) == (3, 2)
    assert "once three messages in two conversations show it" in PAGE
    assert DEFAULTS["silent_after"] == timedelta(days=365)
    assert "said nothing for a year" in PAGE


def test_special_categories_are_those_that_can_be_agreed_to() -> None:
    """The exception is as narrow, as short and as much off as the page says."""
    assert DEFAULTS["special_categories"] == ""
    assert "of your health, belief or union you may want Rapport to know" in PAGE
    assert list(special.FIELDS) == ["health", "belief", "union"]
    assert f"erased after {special.LIFE.days} days" in PAGE


def test_asking_first_is_the_default() -> None:
    """Where nobody set anything, members are asked, as the page says."""
    assert DEFAULTS["persona_consent"] is None
    assert "It asks you first, once, in private." in PAGE
