"""Outcomes: what the optimizer answered is kept, or its sessions come due again. Both ways of asking end here."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import applying, errors, steps
from bot.applying import Terms
from bot.due import Due
from bot.messages import Member, Room
from bot.ports import Clock
from bot.store import conversations, sessions
from bot.store.engine import Store, Unit
from bot.views import Button, Line, Section, View
from persona import wishes
from persona.errors import ProposalError
from persona.operations import Operation, UpdateId
from persona.optimizer import Optimizer, Update
from persona.ports import StructuredReply, Transaction

BACK_OFF = timedelta(minutes=1)
"""Wait after a first failure; doubled for each further one, up to half an hour."""
MAX_BACK_OFF = timedelta(minutes=30)

_OUTAGES = (
    errors.ModelBusyError,
    errors.ModelUnreachableError,
    errors.ModelKeyError,
    errors.ModelLimitError,
    errors.BudgetSpentError,
    errors.ModelUnknownError,
)
"""Failures that say nothing about the session: it waits, and is never parked for them."""

Tell = Callable[[Room, Member, View], Awaitable[bool]]
"""Shows something to one member alone; False if there is no way to them."""

_log = structlog.get_logger(__name__)


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


async def _nothing(_transaction: Transaction) -> None:
    pass


class Outcomes:
    """Ends what was asked: each question once."""

    def __init__(self, *, store: Store, optimizer: Optimizer, terms: Terms, clock: Clock, tell: Tell) -> None:
        self._store = store
        self._optimizer = optimizer
        self._terms = terms
        self._clock = clock
        self._tell = tell

    async def keep(
        self,
        batch: Sequence[Due],
        reply: StructuredReply | None,
        *,
        owner: str,
        call: UpdateId,
        first: Unit[None] = _nothing,
    ) -> Swept:
        """Apply the model's reply about sessions that `owner` holds; it is None if there was nothing to ask.

        `first` runs in the same transaction; when it raises, nothing is kept.

        Raises:
            ProposalError: the reply is of no use; what it cost is recorded.
            LeaseLostError: somebody else has one of the sessions by now; nothing was kept.
        """
        try:
            update = None if reply is None else self._update(batch, reply)
        except ProposalError:
            assert reply is not None
            charge = partial(applying.charge, batch=batch, used=reply.usage, call=call, now=self._clock.now())
            await self._store.write(charge)
            raise

        async def apply(transaction: Transaction, *, now: datetime) -> tuple[Operation, ...]:
            await first(transaction)
            return await applying.apply(transaction, batch, update, owner=owner, call=call, terms=self._terms, now=now)

        applied = await self._store.write(partial(apply, now=self._clock.now()))
        if update is not None:
            steps.happened("sessions", len(batch), outcome="learned")
            _report(batch, update, applied)
            await self._tell_who_asked(batch, applied, call)
        return Swept(operations=len(applied))

    def _update(self, batch: Sequence[Due], reply: StructuredReply) -> Update:
        fences = {member: fields for one in batch for member, fields in one.fences.items()}
        prints = {member: known for one in batch for member, known in one.prints.items()}
        return self._optimizer.update(reply, [one.session for one in batch], fences=fences, prints=prints)

    async def postpone(
        self, batch: Sequence[Due], error: Exception, *, owner: str, call: UpdateId, first: Unit[None] = _nothing
    ) -> Swept:
        """Let the sessions come due again, later after each failure; parked ones wait for a new message.

        What the failed call consumed is recorded. `first` runs in the same transaction; when it raises, nothing is
        changed.
        """
        held = [one for one in batch if one.is_held]
        attempts = {one.claimed.room: _attempts(one, error) for one in held}

        async def release(transaction: Transaction, *, now: datetime) -> None:
            await first(transaction)
            if isinstance(error, errors.ModelError) and error.used is not None:
                await applying.charge(transaction, batch, error.used, call=call, now=now)
            for room, number in attempts.items():
                wait = min(BACK_OFF * 2 ** (number - 1), MAX_BACK_OFF)
                await sessions.failed(transaction, room, owner=owner, attempts=number, not_before=now + wait)

        await self._store.write(partial(release, now=self._clock.now()))
        for room, number in attempts.items():
            is_parked = number >= conversations.MAX_ATTEMPTS
            steps.happened("sessions", outcome="parked" if is_parked else "failed")
            (_log.error if is_parked else _log.warning)(
                "session.parked" if is_parked else "session.postponed",
                tenant=room.tenant,
                attempts=number,
                error=type(error).__name__,
                why=str(error),
            )
        return Swept(failures=len(held))

    async def put_off(self, batch: Sequence[Due], error: errors.ModelError, *, owner: str, call: UpdateId) -> None:
        """Let sessions that were not asked about, since the model is away, come due again; no failure of theirs."""
        rooms = [one.claimed.room for one in batch if one.is_held]

        async def release(transaction: Transaction, *, now: datetime) -> None:
            if error.used is not None:
                await applying.charge(transaction, batch, error.used, call=call, now=now)
            for room in rooms:
                await sessions.put_off(transaction, room, owner=owner, until=now + BACK_OFF)

        await self._store.write(partial(release, now=self._clock.now()))
        _log.info("session.put_off", tenant=rooms[0].tenant, sessions=len(rooms), error=type(error).__name__)

    async def _tell_who_asked(self, batch: Sequence[Due], applied: Sequence[Operation], call: UpdateId) -> None:
        """Tell members who asked to have something remembered or forgotten what came of it."""
        for one in [one for one in batch if one.claimed.is_wanted]:
            asked = {line.speaker for line in one.session.lines if line.speaker and wishes.is_wish(line.text)}
            for key in [member for member in one.session.speakers if member in asked]:
                view = _told([operation for operation in applied if operation.member == key], call)
                try:
                    await self._tell(one.claimed.room, Member.of(key), view)
                except errors.PlatformError as error:
                    _log.info("note.failed", error=type(error).__name__, why=str(error))


def _attempts(one: Due, error: Exception) -> int:
    attempts = one.claimed.attempts + 1
    return min(attempts, conversations.MAX_ATTEMPTS - 1) if isinstance(error, _OUTAGES) else attempts


def _told(operations: Sequence[Operation], call: UpdateId) -> View:
    if not operations:
        return View(
            text="You asked me to remember or forget something, and I found nothing that I may keep or had to change."
            " `/persona show` shows what I know."
        )
    lines = tuple(Line(text=_said(operation)) for operation in operations)
    return View(
        text="As you asked:",
        sections=(Section(title="Changed", lines=lines),),
        footer="All of it: /persona show. Take it back: /persona undo, or for good: /persona forget <field>.",
        buttons=(Button(action=f"undo:{call}", label="Undo"),),
    )


def _said(operation: Operation) -> str:
    ended = " (no longer)" if operation.op == "remove" else ""
    return f"{operation.field.replace('_', ' ')}: {operation.value}{ended}"


def _report(batch: Sequence[Due], update: Update, applied: Sequence[Operation]) -> None:
    _log.info(
        "session.learned",
        tenant=batch[0].claimed.room.tenant,
        sessions=len(batch),
        speakers=len({member for one in batch for member in one.session.speakers}),
        messages=sum(len(one.session.lines) for one in batch),
        operations=len(applied),
        refused=dict(Counter(refusal.reason for refusal in update.refusals)),
        model=update.usage.model,
        input_tokens=update.usage.input_tokens,
        cached_tokens=update.usage.cached_tokens,
        output_tokens=update.usage.output_tokens,
    )
