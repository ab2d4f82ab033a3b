"""Members: what they decided about being remembered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from persona import audit
from persona.audit import Actor, Entry
from persona.moments import maybe_from_micros, to_micros
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

_OBSERVED = """
    INSERT INTO member (tenant, id, consent, consent_at, observed) VALUES (:tenant, :id, 'off', NULL, :observed)
    ON CONFLICT (tenant, id) DO UPDATE SET observed = excluded.observed
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
    return Consent(state=row["consent"], since=maybe_from_micros(row["consent_at"]))


async def set_consent(
    transaction: Transaction,
    member: MemberKey,
    state: ConsentState,
    *,
    now: datetime,
    actor: Actor = audit.BY_MEMBER,
) -> None:
    """Store a decision."""
    await transaction.execute(_SET, tenant=member.tenant, id=member.id, consent=state, consent_at=to_micros(now))
    await audit.record(transaction, member, Entry(actor=actor, action=f"consent:{state}"), now=now)


async def asked(transaction: Transaction, member: MemberKey, *, now: datetime) -> None:
    """Remember that a member was asked; whoever decided meanwhile has decided."""
    if await transaction.execute(_ASKED, tenant=member.tenant, id=member.id, consent_at=to_micros(now)):
        await audit.record(transaction, member, Entry(actor=audit.BY_SYSTEM, action="consent:asked"), now=now)


async def is_observed(transaction: Transaction, member: MemberKey) -> bool:
    """Whether a member may be learned from beyond what they say of themself; they may unless they said no."""
    row = await transaction.fetch_one(
        "SELECT observed FROM member WHERE tenant = :tenant AND id = :id", tenant=member.tenant, id=member.id
    )
    return row is None or bool(row["observed"])


async def set_observed(transaction: Transaction, member: MemberKey, *, is_on: bool, now: datetime) -> None:
    """Store that decision; consent is another one and stays as it is."""
    await transaction.execute(_OBSERVED, tenant=member.tenant, id=member.id, observed=int(is_on))
    action = f"observe:{'on' if is_on else 'off'}"
    await audit.record(transaction, member, Entry(actor=audit.BY_MEMBER, action=action), now=now)
