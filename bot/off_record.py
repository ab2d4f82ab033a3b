"""Whether a member speaks off the record: what they say then is answered, and neither learned nor remembered. Pure.

Hearing it where it was not meant costs a fact that is said again some day; missing it keeps what somebody asked not to
keep. So the words count in several languages and with any punctuation around them, but only where a message begins,
and not in a quote.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.wording import Language
from persona.canonical import comparable

MAX_CHARS = 100
"""The words stand within so many, brackets and greetings before them included; whoever pastes a book is not kept
waiting for the end of it."""

_OFF: dict[Language, str] = {
    "en": r"(?:strictly |this is |(?:let's |let us |please |can we )(?:go |talk |speak |stay |keep (?:this |it )))?"
    r"off[- ](?:the[- ])?record",
    "de": r"(?:ganz |streng )?inoffiziell|(?:nur )?unter uns(?: gesagt)?|nicht für die akten",
    "fr": r"entre nous|officieusement|hors micro|à titre (?:officieux|confidentiel)|en off",
    "es": r"extraoficialmente|entre nosotros|fuera de (?:registro|micrófono)|en confianza",
    "pt": r"em off|(?:cá |aqui )?entre nós|fora d[oe] registr?o",
    "it": r"ufficiosamente|in via ufficiosa|detto (?:fra|tra) (?:di )?noi|fuori verbale",
    "ja": r"オフレコ(?:で(?:すが|す)?|だけど)?|ここだけの話(?:です(?:が)?|だけど)?|記録しないで(?:ください)?",
    "zh": r"私下(?:里)?(?:说|講|讲)?|不要(?:记录|記錄)|别记录|请勿记录|非正式地(?:说)?",
}
_ON: dict[Language, str] = {
    "en": r"(?:(?:we are |we're |i'm |let's go )?(?:back )?)on[- ](?:the[- ])?record(?: again)?",
    "de": r"(?:wieder )?offiziell",
    "fr": r"(?:de nouveau |à nouveau )?officiel(?:lement)?",
    "es": r"(?:de nuevo )?oficial(?:mente)?",
    "pt": r"em on|de novo oficial",
    "it": r"(?:di nuovo )?ufficial(?:e|mente)",
    "ja": r"オンレコ(?:で(?:す)?)?|オフレコ(?:は)?(?:終わり|終了|解除)(?:です)?",
    "zh": r"(?:可以|恢复|恢復|重新)(?:记录|記錄)(?:了)?",
}
_LEAD = r"^[\s(\[{*_~【:,.!-]*(?:(?:hey|hi|hello|ok|okay|so|please|btw|now)\b[\s,:!-]*)*[(\[{*_~【]*"
_POLITE = (
    r"[\s,]*(?:please|now|from now on|from here on|for now|bitte|ab jetzt|s'il (?:te|vous) plaît|por favor"
    r"|per favore)?"
)
_END = r"[\s)\]}*_~】:,.;!…。、，-]*$"
_ASKED = r"[\s)\]}*_~】:,.;!?…。、，-]*$"
"""Whether somebody asks to be off the record or says that they are is the same; not so with being on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A message that says nothing but that its author is off the record from now on, or on it again."""

    to: Literal["off", "on"]
    language: Language
    """In which it was said."""


def _begun(words: Mapping[Language, str], end: str = "") -> dict[Language, re.Pattern[str]]:
    """The words where a message begins; scripts without spaces need none after them."""
    return {
        language: re.compile(_LEAD + f"(?:{said})" + ("" if language in {"ja", "zh"} else r"(?!\w)") + end)
        for language, said in words.items()
    }


_BEGINS = _begun(_OFF)
_SWITCHES: tuple[tuple[Literal["off", "on"], dict[Language, re.Pattern[str]]], ...] = (
    ("on", _begun(_ON, _POLITE + _END)),
    ("off", _begun(_OFF, _POLITE + _ASKED)),
)


def is_said(text: str) -> bool:
    """Whether a message says of itself that it is off the record."""
    plain = comparable(text[:MAX_CHARS])
    return any(pattern.search(plain) for pattern in _BEGINS.values()) and not _is_over(plain)


def switch(text: str) -> Switch | None:
    """What a message switches, if it says nothing else."""
    if len(text) > MAX_CHARS:
        return None
    plain = comparable(text)
    for to, patterns in _SWITCHES:
        for language, pattern in patterns.items():
            if pattern.search(plain):
                return Switch(to=to, language=language)
    return None


def _is_over(plain: str) -> bool:
    """Whether it is the other switch, which in Japanese begins with the same word."""
    return any(pattern.search(plain) for pattern in _SWITCHES[0][1].values())
