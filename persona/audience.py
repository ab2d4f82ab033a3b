"""Who may know a fact: decided by where it was said, before any prompt exists, and by nothing a model says.

An audience is a label that a query can compare. Labels name the tenant, since rooms of two tenants may share an id.

    member                     the member alone (said in a direct room)
    room:<tenant>:<room>       readers of one private room
    tenant:<tenant>            full members of the tenant (said in a public room)
    external:<tenant>:<room>   readers of one room that holds outsiders, or that we know too little about
    form                       a style field: shapes answers in every room, is spoken in none
    special                    the member alone, as long as they agree to it: a special category (persona.special)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NewType

Audience = NewType("Audience", str)

RoomKind = Literal["direct", "private", "public", "external"]
"""One member and the bot · invited members · every full member of the tenant · outsiders or unknown."""

MEMBER = Audience("member")
FORM = Audience("form")
SPECIAL = Audience("special")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is said, as far as audiences care: a thread has the place of its channel."""

    tenant: str
    room: str
    kind: RoomKind


def learned_in(place: Place, *, style: bool = False, special: bool = False) -> Audience:
    """The audience of a fact learned at `place`."""
    if special:
        return SPECIAL
    if style:
        return FORM
    match place.kind:
        case "direct":
            return MEMBER
        case "private":
            return Audience(f"room:{place.tenant}:{place.room}")
        case "public":
            return Audience(f"tenant:{place.tenant}")
        case "external":
            return Audience(f"external:{place.tenant}:{place.room}")


def known_in(place: Place) -> frozenset[Audience] | None:
    """The audiences whose facts every reader of `place` may know; None means all of the member's own facts."""
    match place.kind:
        case "direct":
            return None
        case "private":
            return frozenset({FORM, Audience(f"tenant:{place.tenant}"), Audience(f"room:{place.tenant}:{place.room}")})
        case "public":
            return frozenset({FORM, Audience(f"tenant:{place.tenant}")})
        case "external":
            return frozenset({FORM, Audience(f"external:{place.tenant}:{place.room}")})


def covers(wide: Audience, narrow: Audience) -> bool:
    """Whether everybody who may know a fact of `narrow` may also know one of `wide`.

    A newer fact replaces an older one only then. Otherwise the readers of the older one would notice, by its
    vanishing, that something was said where they could not hear it (reliability B22).
    """
    if narrow in {wide, MEMBER} or wide == FORM:
        return True
    return wide.startswith("tenant:") and narrow.startswith(f"room:{wide.removeprefix('tenant:')}:")


def wider(audience: Audience, *, tenants: Iterable[str]) -> tuple[Audience, ...]:
    """What a member may widen `audience` to: the full members of a tenant in which the fact is at home.

    `tenants` are those in which something known to the member alone was said, or is asked to be used. A private room
    widens to its own tenant. What was said before outsiders stays there: no other room holds the same readers, and
    none of a tenant's own rooms covers them (decision 0005). Style shapes answers everywhere already.
    """
    if audience.startswith("room:"):
        _, rest = audience.split(":", 1)
        return (Audience(f"tenant:{rest.rpartition(':')[0]}"),)
    return tuple(Audience(f"tenant:{tenant}") for tenant in dict.fromkeys(tenants)) if audience == MEMBER else ()
