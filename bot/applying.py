"""Applying an update: what still holds is kept, and the cursors move, in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from bot import consent, errors, prices
from bot.due import Due
from bot.store import conversations, members, sessions, tidying, usage
from persona import audit, fingerprints, forgetting, instructions, optimizer, quarantine, special
from persona import store as personas
from persona.fingerprints import Fingerprints
from persona.guard import Refusal, is_forgotten
from persona.operations import Operation, UpdateId
from persona.optimizer import Update
from persona.persona import MemberKey
from persona.ports import Transaction, Usage
from persona.schema import Schema

MAX_PER_DAY = 40
"""Facts a member can teach in a day: more than anybody tells of themself, less than a flood (reliability S8)."""

TIDY_AFTER = timedelta(days=7)
"""How long after something was learned a persona is tidied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What decides whether something may be kept."""

    schema: Schema
    default: consent.Default


async def apply(
    transaction: Transaction,
    batch: Sequence[Due],
    update: Update | None,
    *,
    owner: str,
    call: UpdateId,
    terms: Terms,
    now: datetime,
) -> tuple[Operation, ...]:
    """Keep what an update taught and move the cursors, all or none. Returns the operations that were new.

    Whatever happened while the model was asked wins: a forget, a pause, an edit or a deletion.

    Raises:
        LeaseLostError: nothing was kept.
    """
    for one in batch:
        if one.is_held and not await sessions.learned(transaction, one.claimed.room, owner=owner, through=one.through):
            raise errors.LeaseLostError
    if update is None:
        return ()
    await charge(transaction, batch, update.usage, call=call, now=now)
    held = await consent.holding(transaction, batch[0].claimed.room.tenant, terms.default)
    spoke = {member: None for one in batch for member in one.session.speakers}
    standing = {member: await _standing(transaction, member, terms, now) for member in spoke}
    refused = [one for one in update.refusals if _is_theirs_to_see(one, standing, held)]
    await quarantine.keep(transaction, refused, now=now)
    ids = {one.session.id for one in batch if one.is_held}
    ours = [operation for operation in update.operations if operation.session in ids]
    still = [
        operation
        for operation in ours
        if await _still_holds(transaction, operation, standing[operation.member], held, schema=terms.schema)
    ]
    allowed = await _within_quota(transaction, still, now)
    await quarantine.keep_surplus(transaction, [one for one in still if one not in allowed], now=now)
    asked = terms.schema.agreed(optimizer.agreed([one.session for one in batch]))
    learned = await personas.learn(
        transaction, allowed, schema=terms.schema, update=call, now=now, actor=_optimizer(asked)
    )
    for member in {operation.member: None for operation in learned}:
        await tidying.put(transaction, member, due_at=now + TIDY_AFTER)
    return learned


@cache
def _optimizer(schema: Schema) -> audit.Actor:
    """Who proposes updates: the digest says with which instructions."""
    return audit.optimizer(instructions.instructions(schema))


async def charge(transaction: Transaction, batch: Sequence[Due], used: Usage, *, call: UpdateId, now: datetime) -> None:
    """Record what a call cost, shared by its speakers in proportion to how much of it was theirs.

    Where nobody is left to share it, since all of it was taken back meanwhile, it is the tenant's.
    """
    await usage.record(
        transaction,
        batch[0].claimed.room.tenant,
        call,
        used,
        purpose="learn",
        shares=_shares(batch) or {MemberKey(tenant=batch[0].claimed.room.tenant, id=""): 1},
        cost=prices.cost(used),
        now=now,
    )


def _shares(batch: Sequence[Due]) -> Mapping[MemberKey, int]:
    shares: Counter[MemberKey] = Counter()
    for one in batch:
        for line in one.session.lines:
            if line.speaker is not None:
                shares[line.speaker] += len(line.text)
    return shares


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What a member has decided by now, whatever it was when the model was asked."""

    fences: Mapping[str, datetime]
    prints: Fingerprints
    decision: members.Consent
    is_observed: bool
    agreed: Mapping[str, datetime]
    """The special categories they agree to, and since when."""


async def _standing(transaction: Transaction, member: MemberKey, terms: Terms, now: datetime) -> _Standing:
    return _Standing(
        fences=(await forgetting.fences(transaction, [member]))[member],
        prints=(await fingerprints.read(transaction, [member]))[member],
        decision=await members.consent(transaction, member),
        is_observed=await members.is_observed(transaction, member),
        agreed=await special.agreed(transaction, member, at=now) if terms.schema.special else {},
    )


async def _still_holds(
    transaction: Transaction, operation: Operation, standing: _Standing, held: consent.Holding, *, schema: Schema
) -> bool:
    """Whether nothing happened while the model was asked: no forget, no pause, no deleted or edited message."""
    if is_forgotten(standing.fences, operation.field, operation.evidence, prints=standing.prints):
        return False
    if operation.kind == "observed" and not standing.is_observed:
        return False
    category = schema.by_name[operation.field].special
    if category and not _is_agreed(standing.agreed.get(category), operation):
        return False
    for evidence in operation.evidence:
        if not held.covers(standing.decision, evidence.said_at):
            return False
        if not await conversations.still_says(transaction, evidence):
            return False
    return True


def _is_agreed(since: datetime | None, operation: Operation) -> bool:
    return since is not None and all(evidence.said_at >= since for evidence in operation.evidence)


def _is_theirs_to_see(refusal: Refusal, standings: Mapping[MemberKey, _Standing], held: consent.Holding) -> bool:
    """Whether a refusal may be kept: its author neither paused nor forgot meanwhile."""
    if refusal.author is None:
        return False
    standing = standings[refusal.author]
    said = [quoted.line.said_at for quoted in refusal.proposal.quoted if quoted.line is not None]
    raised = [fence for field, fence in standing.fences.items() if field in {"*", refusal.proposal.field}]
    is_gone = refusal.reason != "forgotten" and any(moment <= fence for moment in said for fence in raised)
    return not is_gone and all(held.covers(standing.decision, moment) for moment in said)


async def _within_quota(transaction: Transaction, operations: Sequence[Operation], now: datetime) -> list[Operation]:
    """The operations, up to the most a member can teach in a day."""
    allowed, counted = [], Counter[MemberKey]()
    for operation in operations:
        member = operation.member
        if member not in counted:
            counted[member] = await personas.learned_since(transaction, member, now - timedelta(days=1))
        if counted[member] < MAX_PER_DAY:
            counted[member] += 1
            allowed.append(operation)
    return allowed
