"""Conversations: the messages of each room, in order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import Member, Message, MessageId, Room, RoomId, TenantId
from bot.store.sealing import NOBODY
from persona.canonical import is_quoted
from persona.moments import from_micros, to_micros
from persona.persona import Evidence, MemberKey
from persona.ports import Cell, Row, Transaction

MAX_ATTEMPTS = 5
"""A session whose updates fail this often is parked until somebody speaks in its room again."""

_APPEND_CONVERSATION = """
    INSERT INTO conversation (tenant, room, channel, thread, kind, last_message_at, last_position,
                              learned_through, attempts, not_before, lease_owner, lease_until)
    VALUES (:tenant, :room, :channel, :thread, :kind, :said_at, 1, 0, 0, 0, NULL, 0)
    ON CONFLICT (tenant, room) DO UPDATE SET
        kind = CASE WHEN excluded.kind = 'external' THEN excluded.kind ELSE conversation.kind END,
        last_position = conversation.last_position + 1,
        last_message_at = CASE WHEN excluded.last_message_at > conversation.last_message_at
                               THEN excluded.last_message_at ELSE conversation.last_message_at END,
        attempts = CASE WHEN conversation.attempts >= :max_attempts THEN 0 ELSE conversation.attempts END,
        not_before = CASE WHEN conversation.attempts = 0 THEN 0 ELSE conversation.not_before END
    RETURNING last_position
"""
_APPEND_MESSAGE = """
    INSERT INTO message (tenant, room, id, position, author_tenant, author, author_name, reply_to, text, said_at,
                         off_record)
    VALUES (:tenant, :room, :id, :position, :author_tenant, :author, :author_name, :reply_to, :text, :said_at,
            :off_record)
    ON CONFLICT (tenant, room, id) DO UPDATE SET text = excluded.text
    RETURNING position
"""
SEAL_CHARS = 200
"""More than a seal adds to a text, besides making it a third longer."""

_RECENT = """
    SELECT * FROM message WHERE tenant = :tenant AND room = :room AND (position < :before OR author IS NULL)
      AND off_record <= :off_record
    ORDER BY position DESC LIMIT :most
"""
_LATER_THAN_NOW = """
    SELECT max(said_at) AS moment FROM message
    WHERE said_at > :now AND author_tenant = :author_tenant AND author = :author
"""
_SAID_BY = """
    SELECT message.*, conversation.channel, conversation.thread, conversation.kind FROM message
    JOIN conversation ON conversation.tenant = message.tenant AND conversation.room = message.room
    WHERE message.author_tenant = :author_tenant AND message.author = :author
    ORDER BY message.said_at, message.tenant, message.room, message.position
"""
_AUTHOR = "SELECT author_tenant, author FROM message WHERE tenant = :tenant AND room = :room AND id = :id"
_LAST_MOMENT = "SELECT max(last_message_at) AS moment FROM conversation WHERE tenant = :tenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One stored message."""

    id: MessageId
    position: int
    """Order of arrival in the room, from 1."""
    author: Member | None
    """None for our own reply."""
    reply_to: MessageId | None
    text: str
    said_at: datetime
    is_off_record: bool = False
    """Whether nothing may be learned of it; of our own reply, whether that holds for what it answers."""


async def append(
    transaction: Transaction,
    room: Room,
    *,
    message: MessageId,
    author: Member | None,
    text: str,
    said_at: datetime,
    reply_to: MessageId | None = None,
    is_off_record: bool = False,
) -> int:
    """Add a message at the end of its conversation, which begins with its first one. Returns its position.

    One that is there already keeps its place and gets the new text. What an event says of the room's readers can
    narrow what `classify` found out, not widen it: it knows of no guests.

    Our own reply is sealed for whom it answers.
    """
    row = await transaction.fetch_one(
        _APPEND_CONVERSATION,
        tenant=room.tenant,
        room=room.id,
        channel=room.channel,
        thread=room.thread,
        kind=room.kind,
        said_at=to_micros(said_at),
        max_attempts=MAX_ATTEMPTS,
    )
    assert row is not None
    owner = author.key if author else await _author(transaction, room, reply_to)
    row = await transaction.fetch_one(
        _APPEND_MESSAGE,
        tenant=room.tenant,
        room=room.id,
        id=message,
        position=row["last_position"],
        author_tenant=author.tenant if author else None,
        author=author.id if author else None,
        author_name=await transaction.seal(
            author.name if author else "", owner=owner, cell=_cell("author_name", room.tenant, room.id, message)
        ),
        reply_to=reply_to,
        text=await transaction.seal(text, owner=owner, cell=_cell("text", room.tenant, room.id, message)),
        said_at=to_micros(said_at),
        off_record=int(is_off_record),
    )
    assert row is not None
    position: int = row["position"]
    return position


async def find(transaction: Transaction, room: Room, message: MessageId) -> Line | None:
    """One stored message, or None if it was never stored, is erased, or cannot be opened any more."""
    row = await transaction.fetch_one(
        "SELECT * FROM message WHERE tenant = :tenant AND room = :room AND id = :id",
        tenant=room.tenant,
        room=room.id,
        id=message,
    )
    lines = [] if row is None else await lines_from(transaction, [row])
    return lines[0] if lines else None


async def still_says(transaction: Transaction, evidence: Evidence) -> bool:
    """Whether the message of `evidence` is still there, on the record, and still holds the quoted words."""
    row = await transaction.fetch_one(
        "SELECT text FROM message WHERE tenant = :tenant AND room = :room AND id = :id AND off_record = 0",
        tenant=evidence.tenant,
        room=evidence.room,
        id=evidence.message,
    )
    if row is None:
        return False
    cell = _cell("text", evidence.tenant, evidence.room, evidence.message)
    (text,) = await transaction.unseal([(row["text"], cell)])
    return text is not None and is_quoted(evidence.quote, text)


async def recent(
    transaction: Transaction,
    room: Room,
    *,
    before: int,
    most: int,
    most_bytes: int | None = None,
    is_off_record: bool = False,
) -> list[Line]:
    """What came before the message at position `before`, oldest first, at most `most`.

    What is older than the newest `most_bytes` of text may be left out: opening megabytes of it takes its time.

    What was said off the record is in it only for a message that is so itself: an answer on the record may be learned
    from, and must not repeat it.

    A reply counts as said where its question stands: while it was written, later messages may have arrived.
    """
    rows = await transaction.fetch(
        _RECENT, tenant=room.tenant, room=room.id, before=before, most=most, off_record=int(is_off_record)
    )
    position = {row["id"]: row["position"] for row in rows if row["position"] < before}
    said = [row for row in rows if row["position"] < before or row["reply_to"] in position]
    said.sort(
        key=lambda row: (position.get(row["reply_to"] or row["id"], row["position"]), row["reply_to"] is not None)
    )
    return await lines_from(transaction, said if most_bytes is None else _newest(said, most_bytes))


def _newest(rows: Sequence[Row], most_bytes: int) -> Sequence[Row]:
    """The last rows, certainly all whose texts are `most_bytes` together: sealed, they are a third longer, and more."""
    left = 2 * most_bytes
    for count, row in enumerate(reversed(rows)):
        if left < 0:
            return rows[len(rows) - count :]
        left -= max(0, len(row["text"]) - SEAL_CHARS)
    return rows


def answers_in_place(lines: Sequence[Line]) -> list[Line]:
    """The lines with each of our replies right after the message it answers."""
    position = {line.id: line.position for line in lines}

    def place(line: Line) -> tuple[int, bool]:
        return position.get(line.reply_to or line.id, line.position), line.reply_to is not None

    return sorted(lines, key=place)


async def rewrite(transaction: Transaction, room: Room, message: MessageId, text: str) -> None:
    """Give a stored message a new text."""
    owner = await _author(transaction, room, message)
    await transaction.execute(
        "UPDATE message SET text = :text WHERE tenant = :tenant AND room = :room AND id = :id",
        tenant=room.tenant,
        room=room.id,
        id=message,
        text=await transaction.seal(text, owner=owner, cell=_cell("text", room.tenant, room.id, message)),
    )


async def reseal(transaction: Transaction, line: Line, *, tenant: TenantId, room: RoomId) -> None:
    """Seal a member's stored message anew, with the key they have now."""
    assert line.author is not None
    owner, key = line.author.key, (tenant, room, line.id)
    await transaction.execute(
        "UPDATE message SET text = :text, author_name = :author_name"
        " WHERE tenant = :tenant AND room = :room AND id = :id",
        tenant=tenant,
        room=room,
        id=line.id,
        text=await transaction.seal(line.text, owner=owner, cell=_cell("text", *key)),
        author_name=await transaction.seal(line.author.name, owner=owner, cell=_cell("author_name", *key)),
    )


async def remove(transaction: Transaction, room: Room, message: MessageId) -> None:
    """Erase a stored message, and our reply to it, which may repeat its words."""
    await transaction.execute(
        "DELETE FROM message WHERE tenant = :tenant AND room = :room AND (id = :id OR reply_to = :id)",
        tenant=room.tenant,
        room=room.id,
        id=message,
    )


async def said_by(transaction: Transaction, member: MemberKey) -> list[tuple[Room, Line]]:
    """Every stored message of a member, with where it was said, oldest first."""
    rows = await transaction.fetch(_SAID_BY, author_tenant=member.tenant, author=member.id)
    return [(room_from(row), line) for row, line in await opened(transaction, rows)]


async def last_moment(transaction: Transaction, tenant: TenantId) -> datetime | None:
    """When the tenant's newest message was said."""
    row = await transaction.fetch_one(_LAST_MOMENT, tenant=tenant)
    return None if row is None or row["moment"] is None else from_micros(row["moment"])


async def decided_at(transaction: Transaction, member: MemberKey, *, now: datetime) -> datetime:
    """When something is decided that a member decides now: after everything they said, on whichever clock.

    A platform's clock may be ahead of ours, and what was said before a decision must not count as said after it.
    """
    row = await transaction.fetch_one(
        _LATER_THAN_NOW, now=to_micros(now), author_tenant=member.tenant, author=member.id
    )
    return now if row is None or row["moment"] is None else from_micros(row["moment"] + 1)


async def locate(transaction: Transaction, room: Room) -> Room:
    """The room as we know it: a platform may name a thread without its channel."""
    for column, value in (("room", room.id), ("thread", room.channel)):
        row = await transaction.fetch_one(
            f"SELECT * FROM conversation WHERE tenant = :tenant AND {column} = :value",  # noqa: S608 - our own words
            tenant=room.tenant,
            value=value,
        )
        if row is not None:
            return room_from(row)
    return room


async def classify(transaction: Transaction, room: Room) -> None:
    """Remember who can read a room; facts learned there from now on get that audience."""
    await transaction.execute(
        "UPDATE conversation SET kind = :kind WHERE tenant = :tenant AND room = :room AND kind <> :kind",
        tenant=room.tenant,
        room=room.id,
        kind=room.kind,
    )


def room_from(row: Row) -> Room:
    """The room a row of `conversation` is about."""
    return Room(tenant=row["tenant"], channel=row["channel"], thread=row["thread"], kind=row["kind"])


async def lines_from(transaction: Transaction, rows: Sequence[Row]) -> list[Line]:
    """The messages that rows of `message` hold, as far as they can be opened."""
    return [line for _, line in await opened(transaction, rows)]


async def opened(transaction: Transaction, rows: Sequence[Row]) -> list[tuple[Row, Line]]:
    """The rows of `message` that can be opened, each with the message it holds."""
    keyed = [(row, (row["tenant"], row["room"], row["id"])) for row in rows]
    texts = await transaction.unseal([(row["text"], _cell("text", *key)) for row, key in keyed])
    names = await transaction.unseal([(row["author_name"], _cell("author_name", *key)) for row, key in keyed])
    every = zip(rows, texts, names, strict=True)
    return [(row, _line(row, text, name or "")) for row, text, name in every if text is not None]


def _line(row: Row, text: str, name: str) -> Line:
    author = row["author"]
    return Line(
        id=row["id"],
        position=row["position"],
        author=None if author is None else Member(tenant=row["author_tenant"], id=author, name=name),
        reply_to=row["reply_to"],
        text=text,
        said_at=from_micros(row["said_at"]),
        is_off_record=bool(row["off_record"]),
    )


async def _author(transaction: Transaction, room: Room, message: MessageId | None) -> MemberKey:
    """Who said a message: theirs are its words, and our reply's, which may repeat them."""
    row = await transaction.fetch_one(_AUTHOR, tenant=room.tenant, room=room.id, id=message)
    return NOBODY if row is None or row["author"] is None else MemberKey(tenant=row["author_tenant"], id=row["author"])


def _cell(column: str, tenant: str, room: str, message: str) -> Cell:
    return f"message.{column}", tenant, room, message


def as_message(room: Room, line: Line) -> Message:
    """A member's stored message as it was accepted."""
    assert line.author is not None
    return Message(id=line.id, room=room, author=line.author, text=line.text, said_at=line.said_at)
