"""What Rapport itself says in a member's own language: few fixed sentences, as data in `wording.toml`.

Answers are the model's, in whatever language; commands are English everywhere.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "de", "fr", "es", "pt", "it", "ja", "zh"]
"""By its ISO 639-1 code."""

Phrase = Literal["notice", "notice_yes", "notice_no", "offer", "offer_no", "off_record", "on_record"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
PHRASES: tuple[Phrase, ...] = get_args(Phrase)

_FILE = Path(__file__).parent / "wording.toml"


def wording(phrase: Phrase, language: Language) -> str:
    """A sentence in a language."""
    return _everything()[language][phrase]


@cache
def _everything() -> dict[str, dict[str, str]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
