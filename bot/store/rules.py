"""Rules: what the admins of a tenant decided for it. A tenant without any is as whoever runs Rapport set it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.messages import TenantId
from persona.moments import from_micros, maybe_from_micros, to_micros
from persona.ports import Transaction

Default = Literal["ask", "on", "off"]
"""What holds for members who decided nothing: ask them first, learn, or never learn."""

_STRICTEST_FIRST: tuple[Default, ...] = ("off", "ask", "on")

_SET = """
    INSERT INTO rule (tenant, name, value, since) VALUES (:tenant, :name, :value, :since)
    ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value, since = coalesce(excluded.since, rule.since)
"""
_PURGING = "SELECT tenant FROM rule WHERE name = 'purging' AND value = 'yes'"
_LATER_THAN_NOW = "SELECT max(said_at) AS moment FROM message WHERE tenant = :tenant AND said_at >= :now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What admins decided."""

    consent: Default | None = None
    """None if they decided nothing."""
    is_paused: bool = False
    since: datetime | None = None
    """When remembering was let begin again last: what was said before is not learned."""
    budget: int | None = None
    """The most a month may cost, in micro-dollars."""
    purged_at: datetime | None = None
    is_purging: bool = False
    """Whether a purge is not finished."""


NONE = Rules()


async def read(transaction: Transaction, tenant: TenantId) -> Rules:
    """What holds in a tenant."""
    rows = await transaction.fetch("SELECT name, value, since FROM rule WHERE tenant = :tenant", tenant=tenant)
    if not rows:
        return NONE
    values = {row["name"]: row["value"] for row in rows}
    begun = [row["since"] for row in rows if row["since"] is not None]
    return Rules(
        consent=values.get("consent"),
        is_paused=values.get("paused") == "yes",
        since=maybe_from_micros(max(begun, default=None)),
        budget=int(values["budget"]) if values.get("budget") else None,
        purged_at=from_micros(int(values["purged"])) if "purged" in values else None,
        is_purging=values.get("purging") == "yes",
    )


def stricter(one: Default, other: Default) -> Default:
    """The one that lets less be remembered."""
    return min(one, other, key=_STRICTEST_FIRST.index)


async def set_consent(
    transaction: Transaction, tenant: TenantId, consent: Default, *, installation: Default, now: datetime
) -> None:
    """Decide what holds for members who decided nothing; where that lets more be learned, of what is said from now on.

    `installation` is what whoever runs Rapport allows: beyond that nothing is let.
    """
    known = (await read(transaction, tenant)).consent
    before, after = stricter(installation, known or installation), stricter(installation, consent)
    loosens = _STRICTEST_FIRST.index(after) > _STRICTEST_FIRST.index(before)
    since = await _after_all(transaction, tenant, now) if loosens else None
    await _set(transaction, tenant, "consent", consent, since=since)


async def set_paused(transaction: Transaction, tenant: TenantId, *, is_paused: bool, now: datetime) -> None:
    """Pause remembering for everybody, or go on with what is said from now on; nothing is lost if it was not paused."""
    resumes = not is_paused and (await read(transaction, tenant)).is_paused
    since = await _after_all(transaction, tenant, now) if resumes else None
    await _set(transaction, tenant, "paused", "yes" if is_paused else "no", since=since)


async def set_budget(transaction: Transaction, tenant: TenantId, micros: int | None) -> None:
    """Decide the most a month may cost, in micro-dollars; None for no limit of the tenant's own."""
    await _set(transaction, tenant, "budget", "" if micros is None else str(micros))


async def begin_purge(transaction: Transaction, tenant: TenantId, *, shown: datetime, now: datetime) -> bool:
    """Note that everything is to be erased: a process that dies meanwhile goes on.

    False if that was done since the button was `shown`: no button does it twice.
    """
    purged_at = (await read(transaction, tenant)).purged_at
    if purged_at is not None and purged_at >= shown:
        return False
    await _set(transaction, tenant, "purged", str(to_micros(now)))
    await _set(transaction, tenant, "purging", "yes")
    return True


async def end_purge(transaction: Transaction, tenant: TenantId) -> None:
    """Note that everything is erased."""
    await _set(transaction, tenant, "purging", "no")


async def purging(transaction: Transaction) -> list[TenantId]:
    """The tenants whose purge is not finished."""
    return [TenantId(row["tenant"]) for row in await transaction.fetch(_PURGING)]


async def _set(
    transaction: Transaction, tenant: TenantId, name: str, value: str, *, since: datetime | None = None
) -> None:
    moment = None if since is None else to_micros(since)
    await transaction.execute(_SET, tenant=tenant, name=name, value=value, since=moment)


async def _after_all(transaction: Transaction, tenant: TenantId, now: datetime) -> datetime:
    """A moment after everything that was said: a platform's clock may be ahead of ours."""
    row = await transaction.fetch_one(_LATER_THAN_NOW, tenant=tenant, now=to_micros(now))
    return now if row is None or row["moment"] is None else from_micros(row["moment"] + 1)
