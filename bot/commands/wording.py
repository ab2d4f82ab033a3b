"""Facts in words, the same in every view: their line, their dates, who may know them, and what cannot be done."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, tzinfo

from bot import consent
from bot.messages import MessageId, Platform, RoomId, TenantId
from bot.store.members import Consent
from bot.views import Button, Line, Source, View
from persona import editing
from persona.audience import FORM, MEMBER, SPECIAL, Audience, covers
from persona.canonical import comparable
from persona.dates import last_day
from persona.persona import Evidence, Fact, Persona

ASK = Button(action="consent:on", label="Remember me", is_primary=True)

GONE = View(text="That is not among what I remember about you, or not any more. `/persona show` lists all there is.")
"""For an id of nothing, and of what is somebody else's: nobody can tell the two apart."""

CHANGED = View(text="That changed meanwhile, so I did nothing. `/persona show` shows how it is now.")


def said(fact: Fact) -> str:
    """The fact itself."""
    return f"{label(fact.field)}: {fact.value}"


def counted(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def label(field: str) -> str:
    """A field as a person reads it, in the schema or not."""
    return field.replace("_", " ")


def line(fact: Fact, persona: Persona) -> Line:
    """The fact with its dates and the latest message it rests on; it opens all that is known of it."""
    field = f"{label(fact.field)}{_when(fact, persona.at)}"
    return Line(
        text=f"{field}: {fact.value}",
        note=_note(fact, persona.at, persona.zone),
        source=next(filter(None, map(source, reversed(fact.evidence))), None),
        action=f"why:{fact.id}",
    )


def _when(fact: Fact, now: datetime) -> str:
    if fact.holds(now):
        return ""
    return ", earlier" if fact.valid_from <= now else ", later"


def _note(fact: Fact, now: datetime, zone: tzinfo) -> str:
    """When it was said, from when to when it holds if that is another time, and who may know it."""
    began = fact.evidence[0].said_at if fact.evidence else fact.valid_from
    parts = [f"{how(fact)} {began:%Y-%m-%d}"]
    if fact.confirmed_at.date() != began.date():
        parts.append(f"again {fact.confirmed_at:%Y-%m-%d}")
    parts += period(fact, zone, unless=began)
    return ", ".join([*parts, readers(fact.audience)] if fact.holds(now) else parts)


def how(fact: Fact) -> str:
    """How it came to be known."""
    if fact.evidence and editing.is_by_hand(fact.evidence[0]):
        return "entered"
    return "seen" if fact.kind == "observed" else "said"


def period(fact: Fact, zone: tzinfo, *, unless: datetime | None = None) -> list[str]:
    """From when and until when it holds; the beginning only if that is another day than `unless`."""
    parts = []
    if unless is None or fact.valid_from.date() != unless.date():
        parts.append(f"since {fact.valid_from:%Y-%m-%d}")
    if fact.valid_until is not None:
        parts.append(f"until {last_day(fact.valid_until, zone)}")
    return parts


def readers(audience: Audience) -> str:
    """Where a fact of this audience may be used."""
    if audience == FORM:
        return "shapes my answers, never spoken"
    if audience == MEMBER:
        return "used only with you alone"
    if audience == SPECIAL:
        return "used only in our direct message, while you agree"
    return "used in any room without outsiders" if audience.startswith("tenant:") else "used only in that room"


def tenant_of(platform: Platform) -> str:
    """What members call a tenant there."""
    return {"discord": "the server", "terminal": "the terminal"}.get(platform, "the workspace")


def source(evidence: Evidence) -> Source | None:
    """The message evidence points to; a command is none."""
    if editing.is_by_hand(evidence):
        return None
    return Source(
        tenant=TenantId(evidence.tenant),
        room=RoomId(evidence.room),
        message=MessageId(evidence.message),
        quote=evidence.quote,
    )


def visible(persona: Persona) -> list[Fact]:
    """The facts as they are shown: a value that is known more widely stands there once."""
    alike: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in persona.facts:
        alike[_key(fact)].append(fact)
    return [fact for fact in persona.facts if not is_known_more_widely(fact, alike[_key(fact)], persona.at)]


def _key(fact: Fact) -> tuple[str, str]:
    """The same for facts that say the same."""
    return fact.field, comparable(fact.value)


def is_known_more_widely(fact: Fact, facts: Collection[Fact], now: datetime) -> bool:
    """Whether one of `facts` says the same to more readers, or has done so since this one ended."""
    return any(_says_it_more_widely(other, fact, now) for other in facts)


def _says_it_more_widely(other: Fact, fact: Fact, now: datetime) -> bool:
    is_wider = other.audience != fact.audience and covers(other.audience, fact.audience)
    is_now = (other.holds(now) and fact.holds(now)) or other.valid_from == fact.valid_until
    return is_wider and is_now and _key(other) == _key(fact)


def switched_off(held: consent.Holding) -> str:
    """That remembering is off for everybody, and by whom, as the beginning of a sentence; empty if it is not."""
    return {
        "": "",
        "installation": "Remembering is switched off for everybody here by whoever runs me",
        "admin": "Remembering is switched off for everybody here by an admin",
        "pause": "Remembering is paused for everybody here by an admin",
    }[held.closed_by]


def while_off(decision: Consent, held: consent.Holding) -> View | None:
    """Why nothing new may be kept now; None if it may."""
    if held.is_on(decision):
        return None
    if held.closed_by:
        return View(text=f"{switched_off(held)}, so I changed nothing.")
    if decision.state == "paused":
        return View(text="Remembering is paused, so I changed nothing. `/persona resume` goes on.", buttons=(ASK,))
    return View(text="Remembering is off, so I changed nothing. If you agree to it, I can.", buttons=(ASK,))
