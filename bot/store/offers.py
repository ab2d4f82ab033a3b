"""Which members want to be offered answers in private, and when they last were: columns of `member`."""

from datetime import datetime, timedelta

from persona.moments import from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Transaction

PAUSE = timedelta(days=1)
"""How long nobody is offered anything again: a hint is welcome, a refrain is not."""

_SET = """
    INSERT INTO member (tenant, id, consent, consent_at, offers) VALUES (:tenant, :id, 'off', NULL, :offers)
    ON CONFLICT (tenant, id) DO UPDATE SET offers = excluded.offers
"""
_TAKE = """
    INSERT INTO member (tenant, id, consent, consent_at, offered_at) VALUES (:tenant, :id, 'off', NULL, :now)
    ON CONFLICT (tenant, id) DO UPDATE SET offered_at = excluded.offered_at
    WHERE member.offers = 1 AND member.offered_at <= :before
"""


async def are_on(transaction: Transaction, member: MemberKey) -> bool:
    """Whether a member wants them; they do unless they said no."""
    row = await transaction.fetch_one(
        "SELECT offers FROM member WHERE tenant = :tenant AND id = :id", tenant=member.tenant, id=member.id
    )
    return row is None or bool(row["offers"])


async def set_on(transaction: Transaction, member: MemberKey, *, is_on: bool) -> None:
    """Store that decision; consent is another one and stays as it is."""
    await transaction.execute(_SET, tenant=member.tenant, id=member.id, offers=int(is_on))


async def offered_at(transaction: Transaction, member: MemberKey) -> datetime | None:
    """When a member was last offered an answer in private; None if they never were."""
    row = await transaction.fetch_one(
        "SELECT offered_at FROM member WHERE tenant = :tenant AND id = :id", tenant=member.tenant, id=member.id
    )
    return None if row is None or not row["offered_at"] else from_micros(row["offered_at"])


async def take(transaction: Transaction, member: MemberKey, *, now: datetime) -> bool:
    """Take the one offer a member may get in `PAUSE`. False if they had it, or want none."""
    taken = await transaction.execute(
        _TAKE, tenant=member.tenant, id=member.id, now=to_micros(now), before=to_micros(now - PAUSE)
    )
    return bool(taken)
