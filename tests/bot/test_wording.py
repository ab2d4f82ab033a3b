"""Our own sentences: complete in every language, and nothing in the file that nobody says."""

import tomllib
from pathlib import Path

import pytest

import bot.wording
from bot.wording import LANGUAGES, PHRASES, Language, wording

FILE = tomllib.loads((Path(bot.wording.__file__).parent / "wording.toml").read_text(encoding="utf-8"))


def test_the_file_has_every_language_and_every_phrase() -> None:
    """Each language says everything, and nothing else."""
    assert {language: sorted(said) for language, said in FILE.items()} == {one: sorted(PHRASES) for one in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_its_own(language: Language) -> None:
    """No sentence was left in another language, and none is empty or breaks a line."""
    for phrase in PHRASES:
        said = wording(phrase, language)
        assert said == said.strip() != ""
        assert "\n" not in said
        assert all(wording(phrase, other) != said for other in LANGUAGES if other != language)
