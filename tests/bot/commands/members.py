"""Members who said things of themselves, and what commands show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from bot.commands.command import Context, Office
from bot.commands.registry import Commands
from bot.consent import Default
from bot.messages import Member, TenantId
from bot.ports import Clock
from bot.store.engine import Store
from bot.views import Line, View
from persona import schema as schemas
from persona import store as personas
from persona.audience import Place, RoomKind, learned_in
from persona.operations import Op, Operation, UpdateId
from persona.persona import Evidence
from persona.schema import Schema
from tests.clock import NOON

WORKPLACE = schemas.load()
T1 = TenantId("slack:T1")
ANA = Member(tenant=T1, id="U1", name="Ana")
BEN = Member(tenant=T1, id="U2", name="Ben")
NAMESAKE = Member(tenant=TenantId("slack:T2"), id="U1", name="Ana")
"""The same id in another workspace is another person."""

DAY = timedelta(days=1)


async def _purge(_tenant: TenantId, _shown: datetime) -> bool:
    raise AssertionError("no member's verb purges")


OFFICE = Office(admins=(), adapters=(), models={"answer": "scripted", "learn": "scripted"}, monthly=None, purge=_purge)


def commands(
    store: Store, clock: Clock, *, default: Default = "on", schema: Schema = WORKPLACE, office: Office = OFFICE
) -> Commands:
    life = timedelta(hours=72)
    return Commands(
        Context(store=store, schema=schema, default=default, clock=clock, message_retention=life, office=office)
    )


async def told(
    store: Store,
    member: Member,
    field: str,
    value: str,
    *,
    at: datetime = NOON,
    kind: RoomKind = "public",
    room: str = "C1",
    op: Op | None = None,
    quote: str = "",
    observed: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    schema: Schema = WORKPLACE,
) -> None:
    """Let a member have said something in a room of this kind, and let it be learned."""
    found = schema.by_name[field]
    message = f"{at.timestamp():.6f}"
    evidence = Evidence(tenant=T1, room=room, message=message, quote=quote or f"words about {value}", said_at=at)
    operation = Operation(
        member=member.key,
        op=op or ("add" if found.is_list else "set"),
        field=field,
        value=value,
        evidence=(evidence,),
        audience=learned_in(Place(tenant=T1, room=room, kind=kind), style=found.style),
        kind="observed" if observed else "stated",
        since=since,
        until=until,
        session=message,
    )
    learn = partial(personas.learn, operations=[operation], schema=schema, update=UpdateId(message), now=at)
    await store.write(learn)


def lines(view: View) -> list[Line]:
    """Every line of a view, in order."""
    return [line for section in view.sections for line in section.lines]


def texts(view: View) -> list[str]:
    return [line.text for line in lines(view)]


def everything(view: View) -> str:
    """All that can be read in a view."""
    shown: Sequence[str] = [
        f"{line.text} {line.note} {line.source.quote if line.source else ''}" for line in lines(view)
    ]
    return "\n".join([view.text, *(section.title for section in view.sections), *shown, view.footer])
