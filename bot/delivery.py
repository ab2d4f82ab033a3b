"""Delivery: one outcome for each message, whatever breaks in between.

The text of a reply is stored before it is posted, and the platform's id of each post after. A post whose id is not
stored may exist all the same, so after a crash or an unclear answer the platform is asked before anything is posted
again, and asked once more after a while where its history may lag (reliability B.0 and finding 2).
"""

import asyncio
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import structlog

from bot import addresses, errors, prices, steps
from bot.holds import Holds
from bot.messages import Accepted, Member, Message, MessageId, Platform, Room
from bot.ports import NO_USAGE, Adapter, Clock, Post
from bot.store import conversations, erasing, inbox, outbox, usage
from bot.store.engine import Store
from bot.store.sealing import NOBODY
from bot.store.workers import ALONE, Worker
from bot.views import View
from persona.persona import MemberKey
from persona.ports import Transaction, Usage

WAITS_S = (0.5, 2.0, 5.0)
"""Pauses between tries to post: together less than a member's patience, longer than a platform's hiccup."""

LOOK_AGAIN_S = 3.0
"""Between two looks at a history that may lag."""

EDITED: Literal["edited"] = "edited"
"""What `finish` returns for an answer to words that its message does not say any more."""

_DELETED: Literal["deleted"] = "deleted"

WITHDRAWN = "(The message I was answering was withdrawn, so I stopped.)"
"""What replaces a reply that was showing already when its question was deleted."""

_log = structlog.get_logger(__name__)


class Delivery:
    """Shows replies through the adapter of their platform and records how each message ended."""

    def __init__(
        self, *, store: Store, adapters: Mapping[Platform, Adapter], clock: Clock, worker: Worker = ALONE
    ) -> None:
        self.holds = Holds(store=store, clock=clock, worker=worker)
        """What is being answered; whatever is written for it is written under its claim."""
        self._store = store
        self._adapters = adapters
        self._clock = clock

    def adapter(self, room: Room) -> Adapter:
        """The adapter of the room's platform."""
        return self._adapters[room.platform]

    def growing(self, message: Message, *, known: Collection[str]) -> "Growing":
        """A reply to `message` that will be shown while it is written. `known` as for `finish`."""
        return Growing(delivery=self, message=message, known=known, every_s=self.adapter(message.room).grow_every_s)

    async def tell(self, room: Room, member: Member, view: View) -> bool:
        """Show something to one member alone, if their platform is connected and has a way to them."""
        adapter = self._adapters.get(room.platform)
        return adapter is not None and await adapter.notify(room, member, view)

    async def show_unfinished(self, message: Message, text: str, *, known: Collection[str]) -> bool:
        """Post the beginning of a reply, or edit what is posted: one try. Trouble is left to `finish`; False then."""
        first = self._parts(message.room, text, known)[0]
        part = await self._store.write(partial(_begin, message=message, text=first, token=self.holds.token(message)))
        try:
            await self._show(message, part)
        except errors.PlatformError as trouble:
            _log.info("reply.not_growing", reference=message.reference, why=type(trouble).__name__)
            return False
        return True

    async def adopt(self, accepted: Accepted) -> None:
        """Find what an earlier try may have posted, so that this one completes it instead of posting beside it.

        Raises:
            PlatformError: the platform could not be asked; the message stays open.
        """
        tenant, answer = accepted.room.tenant, accepted.answer
        parts = await self._store.read(partial(outbox.parts, tenant=tenant, answer=answer))
        lost = next((part for part in parts if part.post is None), None)
        if lost is None:
            return
        before = parts[lost.number - 1].post if lost.number else None
        try:
            post = await self._found(_post(accepted, lost, after=before))
        except errors.NotDeliveredError:  # what shows us nothing takes nothing either: posting will say so
            return
        token = self.holds.token(accepted)
        await self._store.write(partial(_posted, accepted=accepted, part=lost.number, post=post, token=token))

    async def finish(
        self,
        message: Message,
        text: str,
        outcome: inbox.Outcome,
        *,
        used: Usage = NO_USAGE,
        known: Collection[str] = (),
        heard: Collection[MemberKey] = (),
        unless_edited: bool = False,
    ) -> inbox.Outcome | Literal["edited"] | None:
        """Store the final text of the reply and what it cost, show it, settle the message and return how it ended.

        Of the addresses in it only those that are `known` to whoever reads the room stay live. `heard` are others whose
        words it may repeat. With `unless_edited`, nothing is stored but the cost, and `EDITED` returned, if the message
        says something else by now.

        Raises:
            PlatformError: it could not be shown; the message stays open. A refusal for good settles it instead.
            LeaseLostError: another worker has the message by now; what we posted of it is gone again.
        """
        texts = self._parts(message.room, text, known)
        ready = partial(_make_ready, message=message, texts=texts, outcome=outcome, used=used, clock=self._clock)
        try:
            parts = await self._store.write(
                partial(ready, unless_edited=unless_edited, token=self.holds.token(message))
            )
        except errors.LeaseLostError:
            if used is not NO_USAGE:  # paid for all the same
                await self._store.write(partial(_charge, message=message, used=used, clock=self._clock))
            raise
        if parts is None:
            return await self.withdraw(message)
        return parts if parts == EDITED else await self._bring_out(message, parts, heard=heard)

    async def resume(self, message: Message) -> inbox.Outcome | None:
        """Finish a reply whose text an earlier try has stored. Returns and raises as `finish` does."""
        parts = await self._store.read(partial(outbox.parts, tenant=message.room.tenant, answer=message.answer))
        return await self._bring_out(message, parts)

    async def withdraw(self, accepted: Accepted) -> inbox.Outcome | None:
        """Replace what shows of a reply whose question was deleted. Returns and raises as `finish` does."""
        await self.adopt(accepted)
        withdrawn = partial(_make_withdrawn, accepted=accepted, clock=self._clock, token=self.holds.token(accepted))
        parts = await self._store.write(withdrawn)
        return await self._bring_out(accepted, parts, is_withdrawal=True)

    def _parts(self, room: Room, text: str, known: Collection[str]) -> list[str]:
        """The reply as the platform takes it; every text of a reply comes through here, and no adapter can forget."""
        return addresses.parts(text, known, self.adapter(room).parts)

    @steps.taking("delivery", told=lambda outcome: {"outcome": outcome or "repeated"})
    async def _bring_out(
        self,
        accepted: Accepted,
        parts: Sequence[outbox.Part],
        *,
        heard: Collection[MemberKey] = (),
        is_withdrawal: bool = False,
    ) -> inbox.Outcome | None:
        if not parts:
            return "cancelled"
        token = self.holds.token(accepted)
        give_up = partial(_give_up, accepted=accepted, clock=self._clock, token=token)
        try:
            posts = await self._show_all(accepted, parts)
        except errors.PostGoneError:
            _log.info("reply.taken_away", reference=accepted.reference, platform=accepted.room.platform)
            return await self._store.write(partial(give_up, outcome="cancelled"))
        except errors.NotDeliveredError as refused:
            platform = accepted.room.platform
            _log.warning("reply.refused", reference=accepted.reference, platform=platform, why=str(refused))
            return await self._store.write(partial(give_up, outcome="failed"))
        text = "\n".join(part.text for part in parts)
        settle = partial(_settle, accepted=accepted, text=text, post=posts[0], heard=heard, clock=self._clock)
        outcome = await self._store.write(partial(settle, is_withdrawal=is_withdrawal, token=token))
        return await self.withdraw(accepted) if outcome == _DELETED else outcome

    async def _show_all(self, accepted: Accepted, parts: Sequence[outbox.Part]) -> list[str]:
        """Bring the parts onto the platform, in order, and return their ids.

        One is posted once the id of the one before it is stored: only the first without an id may be there already.
        """
        posts: list[str] = []
        is_next_new = False
        for part in parts:
            before = posts[-1] if posts else None
            posts.append(await self._show(accepted, replace(part, is_new=part.is_new or is_next_new), after=before))
            is_next_new |= part.post is None
        return posts

    async def _show(self, accepted: Accepted, part: outbox.Part, *, after: str | None = None) -> str:
        """Bring one part onto the platform, remember its id, and return it."""
        post = _post(accepted, part, after=after)
        bring = self._posted if post.is_final else self._try
        post_id = await bring(post, part.post, is_new=part.is_new)
        steps.mark("shown_s")
        if post_id != part.post:
            token = self.holds.token(accepted)
            remember = partial(_posted, accepted=accepted, part=part.number, post=post_id, token=token)
            try:
                await self._store.write(remember)
            except errors.LeaseLostError:
                await self._take_back(post, post_id)
                raise
        return post_id

    async def _take_back(self, post: Post, post_id: str) -> None:
        """Remove what was posted once the lease had run out, unless the other worker found it and goes on with it.

        That is known once the other one has stored which post is the reply; for a while it may still be looking.
        """
        kept = None
        for wait_s in (0.0, *WAITS_S):
            await self._clock.sleep(wait_s)
            parts = await self._store.read(partial(outbox.parts, tenant=post.room.tenant, answer=post.answer))
            kept = next((part.post for part in parts if part.number == post.part), None)
            if kept is not None:
                break
        if kept in {None, post_id}:
            return
        try:
            await self.adapter(post.room).remove(post, post_id)
        except errors.PlatformError as trouble:
            _log.warning("reply.not_removed", answer=post.answer, why=str(trouble))

    async def _posted(self, post: Post, post_id: str | None, *, is_new: bool) -> str:
        """Try until the platform has the post in its newest text; returns its id."""
        for wait_s in WAITS_S:
            try:
                return await self._try(post, post_id, is_new=is_new)
            except errors.UnclearDeliveryError:
                is_new = False
            except errors.PlatformUnreachableError:
                pass
            await self._clock.sleep(wait_s)
        return await self._try(post, post_id, is_new=is_new)

    async def _try(self, post: Post, post_id: str | None, *, is_new: bool) -> str:
        adapter = self.adapter(post.room)
        if post_id is None and not is_new:
            post_id = await self._found(post)
        self.holds.check(post.answer)
        if post_id is None:
            return await adapter.post(post)
        return await adapter.edit(post, post_id)

    async def _found(self, post: Post) -> str | None:
        """The id of a post that may have been taken; None only once the platform's history would show it."""
        adapter, waited_s = self.adapter(post.room), 0.0
        while (post_id := await adapter.find(post)) is None and waited_s < adapter.lag_s:
            await self._clock.sleep(LOOK_AGAIN_S)
            waited_s += LOOK_AGAIN_S
        return post_id


class Growing:
    """Paces how often an unfinished reply is shown: no platform takes an edit for each word."""

    def __init__(self, *, delivery: Delivery, message: Message, known: Collection[str], every_s: float | None) -> None:
        self._delivery = delivery
        self._message = message
        self._known = known
        self._every_s = every_s
        self._shown_at = asyncio.get_running_loop().time()

    async def show(self, pieces: Sequence[str]) -> None:
        """Show what there is so far, if it is time to."""
        now = asyncio.get_running_loop().time()
        if self._every_s is None or now - self._shown_at < self._every_s:
            return
        text = "".join(pieces).strip()
        if text:
            if not await self._delivery.show_unfinished(self._message, text, known=self._known):
                self._every_s = None
            self._shown_at = asyncio.get_running_loop().time()


def _post(accepted: Accepted, part: outbox.Part, *, after: str | None) -> Post:
    return Post(
        room=accepted.room,
        answer=accepted.answer,
        part=part.number,
        text=part.text,
        reply_to=accepted.id,
        after=after,
        is_final=part.state != "open",
    )


async def _begin(transaction: Transaction, *, message: Message, text: str, token: int | None) -> outbox.Part:
    if token is not None:
        await inbox.check(transaction, message, token=token)
    return await outbox.begin(transaction, message.room.tenant, message.answer, text, owner=message.author.key)


async def _posted(
    transaction: Transaction, *, accepted: Accepted, part: int, post: str | None, token: int | None
) -> None:
    """Record which post shows a part; with none, that the platform does not have it."""
    if token is not None:
        await inbox.check(transaction, accepted, token=token)
    if post is None:
        await outbox.drop(transaction, accepted.room.tenant, accepted.answer, part)
    else:
        await outbox.posted(transaction, accepted.room.tenant, accepted.answer, part, post)


async def _make_ready(
    transaction: Transaction,
    *,
    message: Message,
    texts: Sequence[str],
    outcome: inbox.Outcome,
    used: Usage,
    unless_edited: bool,
    clock: Clock,
    token: int | None,
) -> list[outbox.Part] | Literal["edited"] | None:
    """The parts that are to be shown; None if the message was deleted, `EDITED` if it says something else by now."""
    if used is not NO_USAGE:
        await _charge(transaction, message, used, clock)
    asked = await conversations.find(transaction, message.room, message.id)
    if asked is None:
        return None
    if unless_edited and asked.text != message.text:
        return EDITED
    await inbox.decide(transaction, message, outcome, token=token)
    owner = message.author.key  # a reply may repeat what it answers
    return await outbox.make_ready(transaction, message.room.tenant, message.answer, texts, owner=owner)


async def _charge(transaction: Transaction, message: Message, used: Usage, clock: Clock) -> None:
    await usage.record(
        transaction,
        message.room.tenant,
        uuid.uuid4().hex,
        used,
        purpose="answer",
        shares={message.author.key: 1},
        cost=prices.cost(used),
        now=clock.now(),
    )


async def _make_withdrawn(
    transaction: Transaction, *, accepted: Accepted, clock: Clock, token: int | None
) -> list[outbox.Part]:
    """Cancel a deleted message; what has to be shown for it: nothing, unless some of a reply is showing."""
    tenant, answer = accepted.room.tenant, accepted.answer
    posted = [part for part in await outbox.parts(transaction, tenant, answer) if part.post is not None]
    if not posted:
        await outbox.erase(transaction, tenant, answer)
    if await inbox.cancel(transaction, accepted, now=clock.now(), token=token):
        return []
    texts = [WITHDRAWN] * len(posted)
    return await outbox.make_ready(transaction, tenant, answer, texts, owner=NOBODY)


async def _settle(
    transaction: Transaction,
    *,
    accepted: Accepted,
    text: str,
    post: str,
    heard: Collection[MemberKey],
    is_withdrawal: bool,
    clock: Clock,
    token: int | None,
) -> inbox.Outcome | Literal["deleted"] | None:
    """The reply is shown: settle the message, and let an answer become part of the conversation.

    Not if the message was deleted while it was being shown: then it has to be withdrawn.
    """
    asked = await conversations.find(transaction, accepted.room, accepted.id)
    if asked is None and not is_withdrawal:
        return _DELETED
    await outbox.sent(transaction, accepted.room.tenant, accepted.answer)
    outcome = await inbox.settle(transaction, accepted, now=clock.now(), token=token)
    if asked is None or not await erasing.settled(transaction, accepted, asked, heard=heard):
        return outcome
    if outcome == "answered":
        await conversations.append(
            transaction,
            accepted.room,
            message=MessageId(post),
            author=None,
            text=text,
            said_at=clock.now(),
            reply_to=accepted.id,
            is_off_record=asked.is_off_record,
        )
    return outcome


async def _give_up(
    transaction: Transaction, *, accepted: Accepted, outcome: inbox.Outcome, clock: Clock, token: int | None
) -> inbox.Outcome | None:
    await inbox.decide(transaction, accepted, outcome, token=token)
    asked = await conversations.find(transaction, accepted.room, accepted.id)
    if asked is not None:
        await erasing.settled(transaction, accepted, asked, heard=())
    return await inbox.settle(transaction, accepted, now=clock.now(), token=token)
