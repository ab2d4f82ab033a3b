"""Members: what they decided about being remembered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from persona.moments import from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Transaction

ConsentState = Literal["off", "asked", "on", "paused", "withdrawn"]

_SET = """
    INSERT INTO member (tenant, id, consent, consent_at) VALUES (:tenant, :id, :consent, :consent_at)
    ON CONFLICT (tenant, id) DO UPDATE SET consent = excluded.consent, consent_at = excluded.consent_at
"""

_ASKED = """
    INSERT INTO member (tenant, id, consent, consent_at) VALUES (:tenant, :id, 'asked', :consent_at)
    ON CONFLICT (tenant, id) DO UPDATE SET consent = excluded.consent, consent_at = excluded.consent_at
    WHERE member.consent = 'off'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a member decided, and when; `off` and None for somebody we never met."""

    state: ConsentState = "off"
    since: datetime | None = None


async def consent(transaction: Transaction, member: MemberKey) -> Consent:
    """The stored decision of a member."""
    row = await transaction.fetch_one(
        "SELECT consent, consent_at FROM member WHERE tenant = :tenant AND id = :id",
        tenant=member.tenant,
        id=member.id,
    )
    if row is None:
        return Consent()
    since = row["consent_at"]
    return Consent(state=row["consent"], since=None if since is None else from_micros(since))


async def set_consent(transaction: Transaction, member: MemberKey, state: ConsentState, *, now: datetime) -> None:
    """Store a decision."""
    await transaction.execute(_SET, tenant=member.tenant, id=member.id, consent=state, consent_at=to_micros(now))


async def asked(transaction: Transaction, member: MemberKey, *, now: datetime) -> None:
    """Remember that a member was asked; whoever decided meanwhile has decided."""
    await transaction.execute(_ASKED, tenant=member.tenant, id=member.id, consent_at=to_micros(now))
