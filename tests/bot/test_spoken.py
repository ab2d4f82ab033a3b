"""Which messages are commands."""

from __future__ import annotations

import pytest

from bot import spoken
from bot.commands.registry import COMMANDS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("persona show tools", "show tools"),
        ("persona", ""),
        ("Persona Show", "Show"),
        ("/persona forget all", "forget all"),
        ("/persona dance", "dance"),
        ("  persona\u00a0show\n", "show"),
        ("persona add\nsomething", "add\nsomething"),
    ],
)
def test_a_message_that_begins_with_the_word_is_a_command(text: str, words: str) -> None:
    """The word persona, however it is cased and spaced, makes the rest of a message a command."""
    assert spoken.words(text, COMMANDS) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "what is a persona?",
        "personas are fun",
        "personal matters",
        "persona: a word",
        "//persona show",
        "my persona",
        "persona non grata, what does it mean?",
        "Persona 5 is a game",
        "persona shows are boring",
    ],
)
def test_other_messages_are_talk(text: str) -> None:
    """A message that only speaks of a persona, or begins with a longer word, is for the model."""
    assert spoken.words(text, COMMANDS) is None
