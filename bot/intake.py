"""Intake: what a platform hands us is stored before it is acknowledged, and each post only once."""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from bot import consent, errors, off_record, spoken, steps
from bot.consent import Default
from bot.lanes import MAX_WAITING, Lanes
from bot.messages import Accepted, Deletion, Edit, Message, MessageId, Platform, Room, clean, platform_of
from bot.ports import Adapter, Clock
from bot.responder import Reason
from bot.store import authors, conversations, departures, inbox, origins
from bot.store import off_record as off_records
from bot.store.engine import Store
from bot.store.workers import ALONE, Worker
from persona import forgetting
from persona.persona import MemberKey
from persona.ports import Transaction
from persona.schema import Schema

_log = structlog.get_logger(__name__)

Handler = Callable[[Accepted], Awaitable[None]]
"""What is done with an accepted message; it records an outcome and does not raise."""


class TurnAway(Protocol):
    """Tells the author of an accepted message why it gets no answer; does not raise."""

    def __call__(self, accepted: Accepted, *, why: Reason) -> Awaitable[None]:
        """Record that as its outcome."""
        ...


Run = Callable[[Message], Awaitable[None]]
"""What is done with a message that is a command; it does not raise."""


class Intake:
    """The way in for every adapter. Its methods return once the change is durable; only then may it be acknowledged."""

    def __init__(
        self,
        *,
        store: Store,
        lanes: Lanes,
        adapters: Mapping[Platform, Adapter],
        schema: Schema,
        default: Default,
        clock: Clock,
        answer: Handler,
        turn_away: TurnAway,
        command: Run,
        verbs: Container[str],
        worker: Worker = ALONE,
    ) -> None:
        self._store = store
        self._adapters = adapters
        self._schema = schema
        self._default = default
        self._lanes = lanes
        self._clock = clock
        self._answer = answer
        self._turn_away = turn_away
        self._command = command
        self._verbs = verbs
        self._worker = worker

    @steps.taking("accept", told=lambda is_new: {"outcome": "stored" if is_new else "repeated"})
    async def accept(self, message: Message) -> bool:
        """Store a message to us and line it up for an answer.

        False if this post was accepted before, or comes from a tenant that removed us.

        A command that was said is run, once, and nothing it says is stored: it is no talk to learn from. One that a
        crash cuts short is not begun again, like any other command.

        Raises:
            StoreError: nothing was stored; it must not be acknowledged, so that the platform sends it again.
        """
        steps.note(reference=message.reference, platform=message.room.platform)
        message = _cleaned(message)
        if spoken.words(message.text, self._verbs) is not None:
            return await self._take(message)
        keep = partial(_accept, message=message, worker=self._worker)
        is_new = await self._store.write(partial(self._if_there, message=message, keep=keep))
        if is_new:
            await self._line_up(Accepted(id=message.id, room=message.room), author=message.author.key)
        return is_new

    async def pass_over(self, message: Message) -> bool:
        """Store a message to us that was found late, with newer ones behind it, and tell its author so instead.

        Returns and raises as `accept` does. A command is left alone: nobody waits for what it shows any more.
        """
        message = _cleaned(message)
        if spoken.words(message.text, self._verbs) is not None:
            return False
        keep = partial(_accept, message=message, worker=self._worker)
        is_new = await self._store.write(partial(self._if_there, message=message, keep=keep))
        if is_new:
            self._turn(Accepted(id=message.id, room=message.room), "missed")
        return is_new

    async def _take(self, command: Message) -> bool:
        keep = partial(inbox.take, accepted=command)
        is_new = await self._store.write(partial(self._if_there, message=command, keep=keep))
        if is_new:
            self._lanes.submit(f"{_lane(command)} (commands)", command.key, partial(self._command, command))
        return is_new

    async def _if_there(
        self, transaction: Transaction, *, message: Message, keep: Callable[..., Awaitable[bool]]
    ) -> bool:
        """Keep what was said, unless its tenant is gone; whoever speaks shows that they and the room are there."""
        now = self._clock.now()
        if await origins.is_gone(transaction, message.room.tenant):
            return False
        await origins.open_room(transaction, message.room, now=now)
        held = await consent.holding(transaction, message.room.tenant, self._default)
        await departures.seen(transaction, message.author.key, now=now, is_asked=held.default == "ask")
        return await keep(transaction, now=now)

    async def edit(self, edit: Edit) -> None:
        """Take over the new text of a message we have. An edit never causes a second answer.

        A message not answered yet is answered in its new text. What rests on words that are gone is taken back.
        """
        await self._store.write(
            partial(_edit, edit=replace(edit, text=clean(edit.text)), schema=self._schema, now=self._clock.now())
        )

    async def delete(self, deletion: Deletion) -> None:
        """Erase a message, and take back what rests on it alone; it will not be answered any more."""
        await self._store.write(partial(_delete, deletion=deletion, schema=self._schema, now=self._clock.now()))

    async def recover(self) -> int:
        """Line up what was accepted and has no outcome, after a restart or a failure. Returns how many.

        What came over a platform that is not connected now waits until it is; what another worker sees to is its own.
        """
        unsettled = partial(inbox.unsettled, now=self._clock.now(), worker=self._worker)
        return await self._line_up_again(await self._store.read(unsettled))

    async def take_over(self) -> int:
        """Line up what other workers had and let run out. Returns how many."""
        abandoned = partial(inbox.abandoned, now=self._clock.now(), worker=self._worker)
        return await self._line_up_again(await self._store.read(abandoned))

    async def _line_up_again(self, known: Sequence[Accepted]) -> int:
        found = zip(known, await self._store.read(partial(authors.of, every=known)), strict=True) if known else ()
        ours = [one for one in found if self._is_ours(one[0]) and not self._is_lined_up(one[0])]
        for accepted, author in ours:
            self._lanes.submit(_lane(accepted), accepted.key, partial(self._answered, accepted), whose=author)
        return len(ours)

    def _is_ours(self, accepted: Accepted) -> bool:
        adapter = self._adapters.get(platform_of(accepted.room.tenant))
        return adapter is not None and adapter.serves(accepted.room)

    def _is_lined_up(self, accepted: Accepted) -> bool:
        return any(self._lanes.holds(lane, accepted.key) for lane in (_lane(accepted), _surplus_lane(accepted)))

    async def _line_up(self, accepted: Accepted, *, author: MemberKey) -> None:
        if await self._is_full(accepted):
            self._turn(accepted, "full")
        else:
            self._lanes.submit(_lane(accepted), accepted.key, partial(self._answered, accepted), whose=author)

    async def _is_full(self, accepted: Accepted) -> bool:
        """Whether as much waits in the room as may; with several workers it waits in the database, not in our lane."""
        if self._worker.is_alone or self._lanes.is_full(_lane(accepted)):
            return self._lanes.is_full(_lane(accepted))
        try:
            return await self._store.read(partial(inbox.waiting, room=accepted.room)) > MAX_WAITING
        except errors.StoreError:  # the message is stored: what it waits for is another matter
            return False

    async def _answered(self, accepted: Accepted) -> None:
        await self._answer(accepted)
        await self._follow(accepted)

    async def _turned(self, accepted: Accepted, why: Reason) -> None:
        await self._turn_away(accepted, why=why)
        await self._follow(accepted)

    async def _follow(self, accepted: Accepted) -> None:
        """See to the message after one that is settled: its own worker may have been told to wait for that one."""
        if self._worker.is_alone:
            return
        try:
            look = partial(inbox.following, room=accepted.room, now=self._clock.now(), worker=self._worker)
            following = await self._store.read(look)
            if following is not None:
                await self._line_up_again([following])
        except errors.StoreError as error:  # whoever accepted it, or a later look, sees to it
            _log.warning("message.not_followed", reference=accepted.reference, error=type(error).__name__)

    def _turn(self, accepted: Accepted, why: Reason) -> None:
        self._lanes.submit(_surplus_lane(accepted), accepted.key, partial(self._turned, accepted, why))


def _cleaned(message: Message) -> Message:
    author = replace(message.author, name=clean(message.author.name))
    return replace(message, text=clean(message.text), author=author)


def _lane(accepted: Accepted) -> str:
    return f"{accepted.room.tenant}/{accepted.room.id}"


def _surplus_lane(accepted: Accepted) -> str:
    """Where messages are turned away, past the room's full lane."""
    return f"{_lane(accepted)} (full)"


async def _accept(transaction: Transaction, *, message: Message, now: datetime, worker: Worker) -> bool:
    if not await inbox.accept(transaction, message, now=now, worker=worker):
        return False
    room, author = message.room, message.author.key
    turned = off_record.switch(message.text)
    was_off = await off_records.holds(transaction, room, author, said_at=message.said_at)
    if turned is not None and turned.to == "off":
        await off_records.begin(transaction, room, author, since=message.said_at)
    if turned is not None and turned.to == "on":
        await off_records.end(transaction, room, author, until=message.said_at)
    if was_off or off_record.is_said(message.text):
        await off_records.mark(transaction, room, message.id)
    return True


async def _edit(transaction: Transaction, *, edit: Edit, schema: Schema, now: datetime) -> None:
    room = await conversations.locate(transaction, edit.room)
    line = await conversations.find(transaction, room, edit.message)
    if line is not None and line.author is not None:
        await conversations.rewrite(transaction, room, edit.message, edit.text)
    if off_record.is_said(edit.text):  # what was said off the record stays so, whatever it is edited to
        await off_records.mark(transaction, room, edit.message)
        await _retract(transaction, room, edit.message, None, schema, now=now)
    else:
        await _retract(transaction, room, edit.message, edit.text, schema, now=now)


async def _delete(transaction: Transaction, *, deletion: Deletion, schema: Schema, now: datetime) -> None:
    room = await conversations.locate(transaction, deletion.room)
    line = await conversations.find(transaction, room, deletion.message)
    if line is not None and line.author is not None:
        await conversations.remove(transaction, room, deletion.message)
    await _retract(transaction, room, deletion.message, None, schema, now=now)


async def _retract(
    transaction: Transaction, room: Room, message: MessageId, text: str | None, schema: Schema, *, now: datetime
) -> None:
    await forgetting.retract(
        transaction, tenant=room.tenant, room=room.id, message=message, text=text, schema=schema, now=now
    )
