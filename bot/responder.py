"""The responder: one turn, from an accepted message to its reply."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeVar

import structlog

from bot import addresses, consent, errors, linking, off_record, prompt, steps, why
from bot.budgets import Budgets
from bot.delivery import EDITED, Delivery
from bot.messages import Accepted, Message
from bot.ports import NO_USAGE, RESTART, Clock, Model
from bot.store import conversations, inbox, members, sessions, used
from bot.store import off_record as off_records
from bot.store.engine import Store
from bot.wording import wording
from persona import render, wishes
from persona import store as personas
from persona.persona import MemberKey
from persona.ports import Transaction, Usage
from persona.schema import Schema

T = TypeVar("T")

MAX_ATTEMPTS = 5
"""A message that could not be answered this often gets an honest sentence instead of another try."""

MAX_REWRITES = 2
"""How often an answer is begun anew because its message was edited meanwhile; the last one stands."""

GREETING = (
    "Hi! Ask me anything, here or in a direct message. `/persona help` shows what I remember about you and how to"
    " change it."
)
FULL = (
    "I am still working on the messages before yours in this conversation, so I had to skip this one."
    " Please send it again in a minute."
)
MISSED = (
    "I was away when you wrote this, and answer only what was said here last."
    " Please send it again if you still need it."
)
Reason = Literal["full", "missed"]
"""Why a message gets no answer: too much waits in its room, or it was said while we did not hear."""

TURNED_AWAY: Mapping[Reason, str] = {"full": FULL, "missed": MISSED}
CUT = "\n\n(I stopped here: the answer reached my length limit. Say “go on” for the rest.)"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    claimed: inbox.Claimed
    is_to_be_asked: bool
    """Whether the author is to be told that there is something to decide."""
    prompt: prompt.Prompt
    fact_count: int
    heard: frozenset[MemberKey]
    """Whose words the prompt holds besides the asker's."""
    is_limited: bool
    """Whether its tenant has a budget."""
    said: str | None = None
    """What is to be replied without asking a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    text: str
    outcome: inbox.Outcome = "answered"
    why: str = ""
    usage: Usage = NO_USAGE
    known: frozenset[str] = frozenset()
    """The addresses in it that may be live."""


class Responder:
    """Answers accepted messages. Its methods record an outcome for the message and do not raise."""

    def __init__(
        self,
        *,
        store: Store,
        model: Model,
        delivery: Delivery,
        schema: Schema,
        default: consent.Default,
        clock: Clock,
        budgets: Budgets,
        learn_soon: Callable[[], None],
        ask: Callable[[Message], Awaitable[None]],
        offer: Callable[[Message], None],
    ) -> None:
        self._store = store
        self._model = model
        self._delivery = delivery
        self._schema = schema
        self._default = default
        self._clock = clock
        self._budgets = budgets
        self._learn_soon = learn_soon
        self._ask = ask
        self._offer = offer

    @steps.taking("turn")
    async def answer(self, accepted: Accepted) -> None:
        """Answer one message, or say honestly that there is no answer."""
        steps.note(reference=accepted.reference, platform=accepted.room.platform)
        try:
            room = await self._delivery.adapter(accepted.room).classified(accepted.room)
            turn = await self._turn(replace(accepted, room=room))
            if turn is not None:
                if turn.prompt.wish:
                    self._learn_soon()
                await self._say_beside(turn)
        except Exception as error:  # noqa: BLE001 - the outer edge: the message stays in the inbox and is tried again
            _log_postponed(accepted, error)

    async def _turn(self, accepted: Accepted) -> _Turn | None:
        """Reply to a message in its newest words. Returns the turn as it was replied to; None if it is not ours."""
        rewrites = 0
        while True:
            since = asyncio.get_running_loop().time()
            try:
                turn = await self._store.write(partial(self._begin, accepted=accepted))
            except errors.BotError:
                raise
            except Exception:  # something about this very message, so it has to count, or there is no end to it
                await self._stumbled(accepted, since)
                raise
            if isinstance(turn, inbox.Withdrawn):
                await self._held(turn.accepted, turn.token, since, partial(self._delivery.withdraw, turn.accepted))
            if not isinstance(turn, _Turn):
                return None
            reply = partial(self._reply, turn, is_last=rewrites == MAX_REWRITES)
            if await self._held(turn.claimed.message, turn.claimed.token, since, reply):
                return turn
            rewrites += 1

    async def _stumbled(self, accepted: Accepted, since: float) -> None:
        """Count a try whose count was undone with all it did; after too many the author hears that it failed."""
        claimed = await self._store.write(partial(self._claim, accepted=accepted))
        if not isinstance(claimed, inbox.Claimed):
            return
        if claimed.attempts <= MAX_ATTEMPTS:
            await self._store.write(partial(inbox.release, accepted=accepted, token=claimed.token))
            return
        sentence = _failure(errors.BotError.for_member, claimed.message)
        give_up = partial(self._delivery.finish, claimed.message, sentence, "failed")
        outcome = await self._held(claimed.message, claimed.token, since, give_up)
        _log.error("message.given_up", reference=claimed.message.reference, outcome=outcome)

    async def _held(self, accepted: Accepted, token: int, since: float, work: Callable[[], Awaitable[T]]) -> T:
        """Do something about a message under its claim, and give it back if that fails. Raises what `work` does."""
        with self._delivery.holds.holding(accepted, token=token, since=since):
            try:
                return await work()
            except errors.LeaseLostError:
                raise
            except Exception:
                await self._store.write(partial(inbox.release, accepted=accepted, token=token))
                raise

    async def _say_beside(self, turn: _Turn) -> None:
        """Let the author be told what is for them alone; of what is off the record, nothing."""
        if turn.claimed.is_off_record:
            return
        if turn.is_to_be_asked:
            await self._ask(turn.claimed.message)
        self._offer(turn.claimed.message)

    async def turn_away(self, accepted: Accepted, *, why: Reason) -> None:
        """Tell the author why there is no answer."""
        since = asyncio.get_running_loop().time()
        try:
            claim = partial(self._claim, accepted=accepted, is_out_of_turn=True)
            claimed = await self._store.write(claim)
            if isinstance(claimed, inbox.Withdrawn):
                withdraw = partial(self._delivery.withdraw, claimed.accepted)
                await self._held(claimed.accepted, claimed.token, since, withdraw)
            elif claimed is not None:
                refuse = partial(self._delivery.finish, claimed.message, TURNED_AWAY[why], "failed")
                outcome = await self._held(claimed.message, claimed.token, since, refuse)
                _log.warning("message.turned_away", reference=claimed.message.reference, why=why, outcome=outcome)
        except Exception as error:  # noqa: BLE001 - as in `answer`
            _log_postponed(accepted, error)

    async def _claim(
        self, transaction: Transaction, *, accepted: Accepted, is_out_of_turn: bool = False
    ) -> inbox.Claimed | inbox.Withdrawn | None:
        now, worker = self._clock.now(), self._delivery.holds.worker
        return await inbox.claim(transaction, accepted, now=now, worker=worker, is_out_of_turn=is_out_of_turn)

    async def _begin(self, transaction: Transaction, *, accepted: Accepted) -> _Turn | inbox.Withdrawn | None:
        """Everything one turn needs, read in one unit."""
        claimed = await self._claim(transaction, accepted=accepted)
        if claimed is None or isinstance(claimed, inbox.Withdrawn):
            return claimed
        await conversations.classify(transaction, accepted.room)
        message = claimed.message
        decision = await members.consent(transaction, message.author.key)
        held = await consent.holding(transaction, message.room.tenant, self._default)
        is_off_record, is_remembered = claimed.is_off_record, held.is_on(decision)
        said = await _switched(transaction, message)
        is_asking = bool(message.text.strip()) and said is None
        is_used = is_asking and is_remembered and not is_off_record
        known = await self._known(transaction, message) if is_used else render.NOTHING
        asks_why = why.is_asked(message.text)
        if not asks_why:  # it is the answer before this one that is to be explained
            await used.record(transaction, message, author=message.author.key, facts=known.facts)
        history = await conversations.recent(
            transaction,
            message.room,
            before=claimed.position,
            most=prompt.MAX_HISTORY_LINES,
            most_bytes=prompt.MAX_HISTORY_BYTES,
            is_off_record=is_off_record,
        )
        wish = is_remembered if wishes.is_wish(message.text) and not is_off_record else None
        if wish:
            await sessions.want(transaction, message.room)
        built = prompt.build(
            message, persona=known.text, history=history, wish=wish, asks_why=asks_why, off_record=is_off_record
        )
        return _Turn(
            claimed=claimed,
            is_to_be_asked=held.is_to_be_asked(decision),
            prompt=built,
            fact_count=len(known.facts),
            is_limited=await self._budgets.is_limited(transaction, message.room.tenant),
            heard=frozenset(line.author.key for line in history if line.author) - {message.author.key},
            said=said,
        )

    async def _known(self, transaction: Transaction, message: Message) -> render.Rendering:
        """What the prompt says of the asker: what every reader of the room may know, and how they like answers."""
        persona = await personas.read(transaction, message.author.key, at=self._clock.now(), place=message.room.place)
        persona = await linking.styled(transaction, persona, default=self._default)
        return render.for_prompt(persona, self._schema, question=message.text)

    async def _reply(self, turn: _Turn, *, is_last: bool) -> bool:
        """Reply to a message. False, and nothing of it stands, if it was edited meanwhile, unless this `is_last`."""
        claimed = turn.claimed
        if claimed.is_decided:
            resumed = await self._delivery.resume(claimed.message)
            _log.info(
                "message.resumed",
                reference=claimed.message.reference,
                tenant=claimed.message.room.tenant,
                outcome=resumed,
            )
            return True
        if claimed.attempts > 1:
            await self._delivery.adopt(claimed.message)
        started = time.perf_counter()
        async with AsyncExitStack() as paying:  # its place in the budget is kept until what it cost is recorded
            reply = await self._composed(turn, paying)
            composed = time.perf_counter()
            outcome = await self._delivery.finish(
                claimed.message,
                reply.text,
                reply.outcome,
                used=reply.usage,
                known=reply.known,
                heard=turn.heard,
                unless_edited=not is_last,
            )
        if outcome == EDITED:
            _log.info("message.edited", reference=claimed.message.reference, tenant=claimed.message.room.tenant)
            return False
        steps.mark("settled_s")
        age = self._clock.now() - claimed.message.said_at
        steps.note(age_s=age.total_seconds(), facts=turn.fact_count, attempts=claimed.attempts)
        _log.info(
            "message.settled",
            reference=claimed.message.reference,
            tenant=claimed.message.room.tenant,
            kind=claimed.message.room.kind,
            outcome=outcome,
            why=reply.why,
            attempts=claimed.attempts,
            model=self._model.name,
            facts=turn.fact_count,
            input_tokens=reply.usage.input_tokens,
            cached_tokens=reply.usage.cached_tokens,
            output_tokens=reply.usage.output_tokens,
            model_ms=round((composed - started) * 1000),
            delivery_ms=round((time.perf_counter() - composed) * 1000),
        )
        return True

    async def _composed(self, turn: _Turn, paying: AsyncExitStack) -> _Reply:
        message = turn.claimed.message
        if turn.claimed.attempts > MAX_ATTEMPTS:
            return _Reply(text=_failure(errors.BotError.for_member, message), outcome="failed", why="too many attempts")
        if not message.text.strip():
            return _Reply(text=GREETING)
        if turn.said is not None:
            return _Reply(text=turn.said)
        if len(message.text) > prompt.MAX_MESSAGE_CHARS:
            return _Reply(text=_too_long(message), outcome="failed", why="message too long")
        try:
            place = self._budgets.answering(
                message.room.tenant, message.author.key, turn.prompt, is_limited=turn.is_limited
            )
            await paying.enter_async_context(place)
            async with self._delivery.adapter(message.room).working(message):
                return await self._from_model(turn)
        except errors.BudgetSpentError as spent:
            _log.warning("budget.spent", reference=message.reference, tenant=message.room.tenant)
            return _Reply(text=_spent(spent), outcome="failed", why=type(spent).__name__)
        except errors.ModelError as error:
            _log.warning("model.failed", reference=message.reference, error=type(error).__name__, why=str(error))
            return _Reply(
                text=_failure(error.for_member, message),
                outcome="failed",
                why=type(error).__name__,
                usage=error.used or NO_USAGE,
            )

    async def _from_model(self, turn: _Turn) -> _Reply:
        known = _known_addresses(turn.prompt)
        growing = self._delivery.growing(turn.claimed.message, known=known)
        pieces: list[str] = []
        usage = NO_USAGE
        async for piece in self._model.answer(turn.prompt):
            if isinstance(piece, Usage):
                usage = piece
            elif piece is RESTART:
                pieces.clear()
            else:
                pieces.append(piece)
                await growing.show(pieces)
        text = "".join(pieces).strip()
        if not text:
            empty = errors.ModelCutError("the model's answer was empty")
            empty.used = usage
            raise empty
        if usage.is_cut:
            text += CUT
        return _Reply(text=text, usage=usage, known=known)


async def _switched(transaction: Transaction, message: Message) -> str | None:
    """That a message which says only that it goes off the record, or on it, did so; None if it did not."""
    switch = off_record.switch(message.text)
    if switch is None:
        return None
    is_off = await off_records.is_open(transaction, message.room, message.author.key)
    if is_off != (switch.to == "off"):  # it was edited to say so, or the opposite was said since
        return None
    return wording("off_record" if is_off else "on_record", switch.language)


def _known_addresses(asked: prompt.Prompt) -> frozenset[str]:
    """The addresses that every reader of the room may know: in its own lines, and in facts that it may know."""
    said = (turn.text for turn in (*asked.history, asked.question))
    return addresses.found(asked.persona or "", *said)


def _log_postponed(accepted: Accepted, error: Exception) -> None:
    reference = accepted.reference
    if isinstance(error, errors.LeaseLostError):  # it is answered, by somebody else
        _log.info("message.lost", reference=reference, tenant=accepted.room.tenant)
        return
    steps.happened("postponed")
    tell = _log.info if isinstance(error, errors.StoreError) else _log.error  # the store tells of its own trouble, once
    tell(
        "message.postponed",
        reference=reference,
        tenant=accepted.room.tenant,
        error=type(error).__name__,
        why=_safe(error),
    )


def _failure(sentence: str, message: Message) -> str:
    return f"{sentence} (reference {message.reference})"


def _spent(error: errors.BudgetSpentError) -> str:
    if isinstance(error, errors.MemberBudgetSpentError):
        return (
            f"Your share of answers is used up for today. I go on {error.until:%Y-%m-%d} at 00:00 (UTC). Please ask"
            " again then; all my commands go on."
        )
    return (
        f"The budget for this month is used up here, so I have no answer. I go on {error.until:%Y-%m-%d} (UTC), or as"
        " soon as an admin raises it. Please ask again then."
    )


def _too_long(message: Message) -> str:
    return (
        f"Your message has {len(message.text):,} characters, and I can read at most {prompt.MAX_MESSAGE_CHARS:,}."
        " Please send me the part that matters, or send it in pieces."
    )


def _safe(error: Exception) -> str:
    """What an operator may read: our own errors speak without text, secrets or names; others are only named."""
    return str(error) if isinstance(error, errors.BotError) else ""
