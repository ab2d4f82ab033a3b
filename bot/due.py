"""Conversations that are due, read as sessions: what may be learned from them, and what goes into one call together."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import agreements, consent
from bot.messages import MessageId, Room
from bot.store import batches, conversations, members, sessions
from persona import fingerprints, forgetting, special
from persona import store as personas
from persona.audience import MEMBER
from persona.fingerprints import Prints
from persona.guard import Fences
from persona.persona import MemberKey
from persona.ports import Transaction
from persona.session import Line, Session

MAX_LINES = 200
"""Messages read of one conversation in one sweep; a longer one is learned in pieces."""
MAX_BYTES = 24_000
"""Of messages in one call, as JSON, about 8,000 tokens: conversations of one audience are combined up to it."""
MAX_LINE_CHARS = 16_000
"""A longer message is learned from its beginning, so that one alone cannot be more than a call may hold."""
LINE_BYTES = 32
"""What stands around each message: its number, its speaker and now and then the day."""
MAX_REPLY_CHARS = 300
"""Of our own replies the optimizer gets the beginning: enough to know what "yes, the second" answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One claimed conversation, read."""

    claimed: sessions.Claimed
    through: int
    """The position the cursor moves to once this is learned."""
    session: Session
    fences: Fences
    prints: Prints
    is_held: bool = True
    """False once somebody else has it: it keeps its place among the others, and nothing is learned from it here."""

    @property
    def size(self) -> int:
        """How many bytes of messages a model would get of it."""
        return sum(_size(line.text) for line in self.session.lines)

    @property
    def readers(self) -> tuple[str, str, str]:
        """The same for sessions that exactly the same people may read."""
        room, audience = self.claimed.room, self.session.audience
        return room.tenant, audience, room.channel if audience == MEMBER else ""


async def read(transaction: Transaction, claimed: sessions.Claimed, *, default: consent.Default, now: datetime) -> Due:
    """Read a claimed conversation from its cursor on, as far as one call takes it."""
    stored = await sessions.unlearned(transaction, claimed, most=MAX_LINES)
    lines = _within(stored, MAX_BYTES)
    last = lines[-1].position if lines else 0
    is_all = len(lines) == len(stored) < MAX_LINES
    held = await consent.holding(transaction, claimed.room.tenant, default)
    kept = await _learnable(transaction, conversations.answers_in_place(lines), held)
    session = await _session(transaction, claimed.room, kept, now)
    return Due(
        claimed=claimed,
        through=max(last, claimed.last_position) if is_all else last,
        session=session,
        fences=await forgetting.fences(transaction, session.speakers),
        prints=await fingerprints.read(transaction, session.speakers),
    )


async def recalled(
    transaction: Transaction, asked: batches.Asked, *, owner: str, default: consent.Default, now: datetime
) -> Due:
    """Read a conversation again as it was asked about: every line in its place, since a reply names them by number.

    A line that was erased meanwhile, or whose author does not agree any more, is empty and nobody's.
    """
    found = [await conversations.find(transaction, asked.room, message) for message in asked.messages]
    held = await consent.holding(transaction, asked.room.tenant, default)
    kept = await _learnable(transaction, [line for line in found if line is not None], held)
    by_id = {line.message: line for line in kept}
    lines = tuple(by_id.get(message) or _gone(message, now) for message in asked.messages)
    session = await _session(transaction, asked.room, lines, now)
    claimed = await sessions.held(transaction, asked.room, owner=owner)
    return Due(
        claimed=claimed or _lost(asked),
        through=asked.through,
        session=session,
        fences=await forgetting.fences(transaction, session.speakers),
        prints=await fingerprints.read(transaction, session.speakers),
        is_held=claimed is not None,
    )


async def _session(transaction: Transaction, room: Room, lines: tuple[Line, ...], now: datetime) -> Session:
    speakers = {line.speaker for line in lines if line.speaker is not None}
    known = {member: await personas.read(transaction, member, at=now, place=room.place) for member in speakers}
    agreed = await _agreed(transaction, room, speakers, now)
    return Session(room=room.id, place=room.place, lines=lines, personas=known, special=agreed)


async def _agreed(
    transaction: Transaction, room: Room, speakers: Iterable[MemberKey], now: datetime
) -> dict[MemberKey, dict[str, datetime]]:
    """The special categories that each speaker agrees to have learned in a room."""
    here = (member for member in speakers if agreements.is_place(room, member))
    every = {member: await special.agreed(transaction, member, at=now) for member in here}
    return {member: categories for member, categories in every.items() if categories}


async def _learnable(
    transaction: Transaction, lines: Sequence[conversations.Line], held: consent.Holding
) -> tuple[Line, ...]:
    decisions: dict[MemberKey, members.Consent] = {}
    agreed: set[str] = set()
    kept = []
    for line in lines:
        if line.is_off_record:
            continue
        if line.author is None:
            if line.reply_to in agreed:
                kept.append(_line(line))
            continue
        key = line.author.key
        if key not in decisions:
            decisions[key] = await members.consent(transaction, key)
        if line.text.strip() and held.covers(decisions[key], line.said_at):
            agreed.add(line.id)
            kept.append(_line(line))
    return tuple(kept)


def _line(line: conversations.Line) -> Line:
    speaker = None if line.author is None else line.author.key
    text = line.text[: MAX_LINE_CHARS if speaker else MAX_REPLY_CHARS]
    return Line(message=line.id, speaker=speaker, text=text, said_at=line.said_at)


def _gone(message: MessageId, now: datetime) -> Line:
    return Line(message=message, speaker=None, text="", said_at=now)


def _lost(asked: batches.Asked) -> sessions.Claimed:
    return sessions.Claimed(
        room=asked.room, learned_through=asked.through, last_position=asked.through, attempts=0, is_wanted=False
    )


def _within(lines: Sequence[conversations.Line], most: int) -> Sequence[conversations.Line]:
    """The first lines that are at most `most` bytes together; at least one line."""
    total = 0
    for count, line in enumerate(lines):
        total += _size(line.text[:MAX_LINE_CHARS])
        if count and total > most:
            return lines[:count]
    return lines


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode()) + LINE_BYTES


def together(due: Sequence[Due]) -> list[list[Due]]:
    """What goes into one call together, in order of falling idle; what nobody may be learned from goes into none.

    Only sessions with the same readers, so that nothing can cross from one room into another by way of the model. A
    session that failed before goes alone, so that it cannot hold up the others, and so does one that is asked about
    with fields that others are not.
    """
    batches: list[list[Due]] = []
    for one in sorted((one for one in due if one.session.speakers), key=lambda one: one.readers):
        batch = batches[-1] if batches and batches[-1][0].readers == one.readers else []
        is_full = sum(other.size for other in batch) + one.size > MAX_BYTES
        if not batch or is_full or _is_alone(one) or _is_alone(batch[-1]):
            batches.append([one])
        else:
            batch.append(one)
    return batches


def _is_alone(due: Due) -> bool:
    return bool(due.claimed.attempts or due.session.special)
