"""Learning: idle conversations become persona updates, each message learned exactly once.

Whatever a sweep has to know is in the database, so a restart changes nothing: a crash before the commit costs a
repeated call, after it nothing (design section 7).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import consent, errors
from bot.ports import Clock
from bot.store import conversations, members, sessions
from bot.store.engine import Store
from persona import forgetting
from persona import store as personas
from persona.audience import MEMBER
from persona.errors import ProposalError
from persona.guard import Fences, is_forgotten
from persona.operations import Operation
from persona.optimizer import Optimizer, Update
from persona.persona import MemberKey
from persona.ports import Transaction
from persona.schema import Schema
from persona.session import Line, Session

LEASE = timedelta(minutes=10)
"""Longer than a call may take with all its tries; a worker that dies holds a conversation no longer than this."""

BACK_OFF = timedelta(minutes=1)
"""Wait after a first failure; doubled for each further one, up to half an hour."""
MAX_BACK_OFF = timedelta(minutes=30)

MAX_CLAIMED = 50
MAX_LINES = 200
"""Messages read of one conversation in one sweep; a longer one is learned in pieces."""
MAX_CHARS = 24_000
"""Text in one call, about 8,000 tokens: conversations of one audience are combined up to it."""
MAX_REPLY_CHARS = 300
"""Of our own replies the optimizer gets the beginning: enough to know what "yes, the second" answers."""

_OUTAGES = (
    errors.ModelBusyError,
    errors.ModelUnreachableError,
    errors.ModelKeyError,
    errors.ModelLimitError,
    errors.ModelUnknownError,
)
"""Failures that say nothing about the session: it waits, and is never parked for them."""

_log = structlog.get_logger(__name__)


class _LeaseLostError(Exception):
    """Another worker took the conversation meanwhile; what we have of it must not be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one sweep did."""

    sessions: int = 0
    calls: int = 0
    operations: int = 0
    failures: int = 0

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            sessions=self.sessions + other.sessions,
            calls=self.calls + other.calls,
            operations=self.operations + other.operations,
            failures=self.failures + other.failures,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """One claimed conversation, read."""

    claimed: sessions.Claimed
    through: int
    """The position the cursor moves to once this is learned."""
    session: Session
    fences: Fences

    @property
    def chars(self) -> int:
        return sum(len(line.text) for line in self.session.lines)


class Learning:
    """Turns what fell idle into updates. Sweeps may run side by side, in one process or several."""

    def __init__(
        self,
        *,
        store: Store,
        optimizer: Optimizer,
        schema: Schema,
        default: consent.Default,
        idle_after: timedelta,
        clock: Clock,
    ) -> None:
        self._store = store
        self._optimizer = optimizer
        self._schema = schema
        self._default = default
        self._idle_after = idle_after
        self._clock = clock

    async def sweep(self) -> Swept:
        """Learn every conversation that is due, at most `MAX_CLAIMED`, and say what was done.

        A conversation that fails comes due again later; its failure is logged and counted, never raised.
        """
        owner = uuid.uuid4().hex
        now = self._clock.now()
        due = await self._store.write(partial(self._claim, owner=owner, now=now))
        done = Swept(sessions=len(due))
        for batch in [[one] for one in due if not one.session.speakers] + _batches(due):
            done += await self._learn(batch, owner=owner)
        return done

    async def _claim(self, transaction: Transaction, *, owner: str, now: datetime) -> list[_Due]:
        claimed = await sessions.claim_due(
            transaction, owner=owner, idle_since=now - self._idle_after, now=now, lease=LEASE, most=MAX_CLAIMED
        )
        return [await self._read(transaction, one) for one in claimed]

    async def _read(self, transaction: Transaction, claimed: sessions.Claimed) -> _Due:
        stored = await sessions.unlearned(transaction, claimed, most=MAX_LINES)
        lines = _within(stored, MAX_CHARS)
        last = lines[-1].position if lines else 0
        is_all = len(lines) == len(stored) < MAX_LINES
        kept = await self._learnable(transaction, conversations.answers_in_place(lines))
        speakers = {line.speaker for line in kept if line.speaker is not None}
        place = claimed.room.place
        return _Due(
            claimed=claimed,
            through=max(last, claimed.last_position) if is_all else last,
            session=Session(
                room=claimed.room.id,
                place=place,
                lines=kept,
                personas={member: await personas.read(transaction, member, place=place) for member in speakers},
            ),
            fences=await forgetting.fences(transaction, speakers),
        )

    async def _learnable(self, transaction: Transaction, lines: Sequence[conversations.Line]) -> tuple[Line, ...]:
        """The lines that may be learned from, and our own replies to them."""
        decisions: dict[MemberKey, members.Consent] = {}
        agreed: set[str] = set()
        kept = []
        for line in lines:
            if line.author is None:
                if line.reply_to in agreed:
                    kept.append(_line(line))
                continue
            key = line.author.key
            if key not in decisions:
                decisions[key] = await members.consent(transaction, key)
            if line.text.strip() and consent.covers(decisions[key], self._default, line.said_at):
                agreed.add(line.id)
                kept.append(_line(line))
        return tuple(kept)

    async def _learn(self, batch: Sequence[_Due], *, owner: str) -> Swept:
        spoken = [due.session for due in batch if due.session.speakers]  # none, or all of the batch
        fences = {member: fields for due in batch for member, fields in due.fences.items()}
        try:
            update = await self._optimizer.propose(spoken, fences=fences) if spoken else None
            applied = await self._store.write(partial(self._commit, batch=batch, update=update, owner=owner))
        except (errors.ModelError, errors.StoreError, ProposalError, _LeaseLostError) as error:
            await self._postpone(batch, error, owner=owner)
            return Swept(calls=1, failures=len(batch))
        if update is not None:
            _report(batch, update, applied)
        return Swept(calls=1 if spoken else 0, operations=len(applied))

    async def _commit(
        self, transaction: Transaction, *, batch: Sequence[_Due], update: Update | None, owner: str
    ) -> tuple[Operation, ...]:
        """Apply the operations and move the cursors, all or none."""
        for due in batch:
            if not await sessions.learned(transaction, due.claimed.room, owner=owner, through=due.through):
                raise _LeaseLostError
        if update is None:
            return ()
        still = [operation for operation in update.operations if await self._still_holds(transaction, operation)]
        return await personas.learn(transaction, still, schema=self._schema, now=self._clock.now())

    async def _still_holds(self, transaction: Transaction, operation: Operation) -> bool:
        """Whether nothing happened while the model was asked: no forget, no pause, no deleted or edited message."""
        fences = await forgetting.fences(transaction, [operation.member])
        if is_forgotten(fences[operation.member], operation.field, operation.evidence):
            return False
        decision = await members.consent(transaction, operation.member)
        for evidence in operation.evidence:
            if not consent.covers(decision, self._default, evidence.said_at):
                return False
            if not await conversations.still_says(transaction, evidence):
                return False
        return True

    async def _postpone(self, batch: Sequence[_Due], error: Exception, *, owner: str) -> None:
        """Let the conversations come due again, later after each failure; parked ones wait for a new message."""
        is_outage = isinstance(error, _OUTAGES)
        for due in batch:
            attempts = due.claimed.attempts + 1
            if is_outage:
                attempts = min(attempts, conversations.MAX_ATTEMPTS - 1)
            wait = min(BACK_OFF * 2 ** (attempts - 1), MAX_BACK_OFF)
            release = partial(
                sessions.failed,
                room=due.claimed.room,
                owner=owner,
                attempts=attempts,
                not_before=self._clock.now() + wait,
            )
            await self._store.write(release)
            log = _log.error if attempts >= conversations.MAX_ATTEMPTS else _log.warning
            log(
                "session.parked" if attempts >= conversations.MAX_ATTEMPTS else "session.postponed",
                tenant=due.claimed.room.tenant,
                attempts=attempts,
                error=type(error).__name__,
                why=str(error),
            )


def _line(line: conversations.Line) -> Line:
    speaker = None if line.author is None else line.author.key
    text = line.text if speaker else line.text[:MAX_REPLY_CHARS]
    return Line(message=line.id, speaker=speaker, text=text, said_at=line.said_at)


def _within(lines: Sequence[conversations.Line], most: int) -> Sequence[conversations.Line]:
    """The first lines that hold at most `most` characters together; at least one line."""
    total = 0
    for count, line in enumerate(lines):
        total += len(line.text)
        if count and total > most:
            return lines[:count]
    return lines


def _batches(due: Sequence[_Due]) -> list[list[_Due]]:
    """What goes into one call together, in order of falling idle; what nobody may be learned from goes into none.

    Only sessions with the same readers, so that nothing can cross from one room into another by way of the model. A
    session that failed before goes alone, so that it cannot hold up the others.
    """
    batches: list[list[_Due]] = []
    for one in sorted((one for one in due if one.session.speakers), key=_readers):
        batch = batches[-1] if batches and _readers(batches[-1][0]) == _readers(one) else []
        is_full = sum(other.chars for other in batch) + one.chars > MAX_CHARS
        if not batch or is_full or one.claimed.attempts or batch[-1].claimed.attempts:
            batches.append([one])
        else:
            batch.append(one)
    return batches


def _readers(due: _Due) -> tuple[str, str, str]:
    """The same for sessions that exactly the same people may read."""
    room, audience = due.claimed.room, due.session.audience
    return room.tenant, audience, room.channel if audience == MEMBER else ""


def _report(batch: Sequence[_Due], update: Update, applied: Sequence[Operation]) -> None:
    refused: dict[str, int] = {}
    for refusal in update.refusals:
        refused[refusal.reason] = refused.get(refusal.reason, 0) + 1
    _log.info(
        "session.learned",
        tenant=batch[0].claimed.room.tenant,
        sessions=len(batch),
        speakers=len({member for due in batch for member in due.session.speakers}),
        messages=sum(len(due.session.lines) for due in batch),
        operations=len(applied),
        refused=refused,
        input_tokens=update.input_tokens,
        output_tokens=update.output_tokens,
    )
