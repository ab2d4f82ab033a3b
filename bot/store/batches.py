"""Requests that went out in a batch, until their results are kept. What was said is not in here, only where it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import MessageId, Room, TenantId
from persona.audience import RoomKind
from persona.moments import from_micros, to_micros
from persona.ports import Transaction

_ADD = """
    INSERT INTO batch_request (tenant, id, batch, asked, created_at) VALUES (:tenant, :id, NULL, :asked, :created_at)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One conversation of a request, as it was asked about."""

    room: Room
    """With who could read there then: what was said there is for them."""
    through: int
    """The position the cursor moves to once this is learned."""
    messages: tuple[MessageId, ...]
    """In the order the model saw them: it names them by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to the model, without what it was about."""

    tenant: TenantId
    id: str
    """Names it in its batch, and as the owner of the conversations it is about."""
    batch: str | None = None
    """None until the batch was taken and told its name."""
    created_at: datetime


async def add(transaction: Transaction, request: Request, asked: Sequence[Asked]) -> None:
    """Record a request that is about to be submitted."""
    await transaction.execute(
        _ADD,
        tenant=request.tenant,
        id=request.id,
        asked=json.dumps([_written(one) for one in asked]),
        created_at=to_micros(request.created_at),
    )


async def submitted(transaction: Transaction, requests: Sequence[Request], *, batch: str) -> None:
    """Record which batch took the requests."""
    for request in requests:
        await transaction.execute(
            "UPDATE batch_request SET batch = :batch WHERE tenant = :tenant AND id = :id",
            tenant=request.tenant,
            id=request.id,
            batch=batch,
        )


async def unfinished(transaction: Transaction) -> list[Request]:
    """The requests whose results are not kept yet, oldest first."""
    rows = await transaction.fetch("SELECT tenant, id, batch, created_at FROM batch_request ORDER BY created_at, id")
    return [
        Request(tenant=row["tenant"], id=row["id"], batch=row["batch"], created_at=from_micros(row["created_at"]))
        for row in rows
    ]


async def asked(transaction: Transaction, request: Request) -> list[Asked]:
    """What a request asked about, in order; nothing once it is finished."""
    row = await transaction.fetch_one(
        "SELECT asked FROM batch_request WHERE tenant = :tenant AND id = :id", tenant=request.tenant, id=request.id
    )
    return [] if row is None else [_read(request.tenant, one) for one in json.loads(row["asked"])]


async def finish(transaction: Transaction, request: Request) -> bool:
    """Forget a request. False if it was finished before: nothing may be kept for it then."""
    return bool(
        await transaction.execute(
            "DELETE FROM batch_request WHERE tenant = :tenant AND id = :id", tenant=request.tenant, id=request.id
        )
    )


def _written(asked: Asked) -> list[object]:
    room = asked.room
    return [room.channel, room.thread, room.kind, asked.through, asked.messages]


def _read(tenant: TenantId, written: tuple[str, str | None, RoomKind, int, list[MessageId]]) -> Asked:
    channel, thread, kind, through, messages = written
    room = Room(tenant=tenant, channel=channel, thread=thread, kind=kind)
    return Asked(room=room, through=through, messages=tuple(messages))


async def outstanding(transaction: Transaction, tenant: TenantId) -> int:
    """How many of a tenant's requests are out, or about to be."""
    row = await transaction.fetch_one(
        "SELECT count(*) AS number FROM batch_request WHERE tenant = :tenant", tenant=tenant
    )
    return 0 if row is None else row["number"]
