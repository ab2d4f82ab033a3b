"""Tenants in which everybody and everything is called the same, and a guard that reads every statement.

A script is drawn once and played in some of the tenants, or in all of them: what the others do must make no difference.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Literal, get_args

import bot.store
from bot.messages import Deletion, Edit, Member, Message, MessageId, Room, TenantId
from bot.prompt import Prompt
from bot.store import erasing, held, inbox, installations, retention, rules, sessions, tidying
from bot.store.engine import Store
from bot.views import View
from persona import audit, special
from persona.audience import RoomKind
from persona.ports import StructuredReply, StructuredRequest, Transaction, Usage, Value
from tests.clock import StillClock
from tests.models import ScriptedModel
from tests.privacy.house import House, wire
from tests.privacy.watched import watched
from tests.scan import as_said

Op = Literal["says", "tells", "show", "forget", "erase", "pause", "resume", "edit", "delete", "rule", "learn", "tidy"]
OPS: tuple[Op, ...] = (*(("says",) * 6), *(("tells",) * 12), *get_args(Op)[2:-1])
RULES = ("status", "budgets", "audit", "consent on", "pause", "resume", "resume", "budget 50", "budget none", "purge")
"""What an admin types; a purge is pressed as well."""
KINDS: dict[str, RoomKind] = {"C1": "public", "C2": "public", "P1": "private", "E1": "external"}
MEMBERS = {"U1": "Ana", "U2": "Bo", "U3": "Cat"}
Kept = dict[str, list[tuple[object, ...]]]
TOKEN = re.compile(r"tt\d\d")

MIGRATIONS = Path(bot.store.__path__[0]) / "migrations" / "versions"
TABLES = frozenset(
    table for path in MIGRATIONS.glob("*.py") for table in re.findall(r"CREATE TABLE (\w+)", path.read_text())
)
_WORD = re.compile(r"\w+")
_TENANT = re.compile(r"(?:\w+_)?tenant(?:_\d+)?")

SWEEPS: dict[str, str] = {
    sessions._CLAIM_DUE: "learning looks for what fell idle, wherever",
    sessions._UNPARK: "a start tries again what failed, wherever",
    inbox._OPEN: "a start answers what was left open, wherever",
    held._HELD: "a start looks after what is held of messages, wherever on a platform",
    tidying._TAKE: "tidying takes the personas whose time has come, wherever",
    special._OVER: "agreements that are over end, wherever",
    rules._PURGING: "a purge that was cut short is finished, wherever",
    installations._EVERY: "a start looks after every workspace that installed the app",
    installations._ENDING: "tokens that end soon are renewed, wherever",
    audit._OUTLIVED: "which chains have something to cut",
    **dict.fromkeys(
        (retention._MESSAGES, retention._REPLIES, retention._KEYS, retention._REQUESTS, retention._USAGE),
        "what outlived its use goes, wherever",
    ),
    "DELETE FROM refusal WHERE refused_at < :before": "likewise",
    "DELETE FROM off_record WHERE until < :before": "likewise",
    "DELETE FROM link_code WHERE expires_at <= :now": "likewise",
    "DELETE FROM link_guess WHERE guessed_at <= :before": "likewise",
}
"""Every statement over all tenants there is, with its reason. What they find is dealt with tenant by tenant."""

OURS: dict[str, str] = {
    erasing._VAULT: "how far erasures have reached, whoever they were",
    erasing._REACHED: "likewise",
    erasing._COMPACTED: "when the file was last written anew",
    installations._OVER: "invitations to install are nobody's before they are used, and forgotten after",
    installations._USE: "likewise",
}
"""Every statement on a row that is no tenant's and tells of nobody, with what it is for. Any turn may run them."""


class Guard:
    """Refuses a statement on our tables that is not bound to a tenant, or to another one than the one that acts."""

    def __init__(self) -> None:
        self.acting: str | None = None
        """Whose turn it is; None for the sweeps, which serve all."""
        self.checked = 0
        self.tables: set[str] = set()

    def watch(self, sql: str, bound: Mapping[str, Value]) -> None:
        """See `tests.privacy.watched.Watch`."""
        tables = TABLES & set(_WORD.findall(sql))
        if not tables:
            return
        self.checked += 1
        self.tables |= tables
        if sql in SWEEPS:
            assert self.acting is None, f"a sweep in a turn of {self.acting}: {sql}"
            return
        if sql in OURS:
            return
        tenants = {value for name, value in bound.items() if _TENANT.fullmatch(name) and f":{name}" in sql}
        assert tenants - {None, ""}, f"bound to no tenant: {sql}"
        assert self.acting is None or tenants <= {self.acting, None}, f"{self.acting} reaches {tenants}: {sql}"


class Honest(ScriptedModel):
    """Repeats its prompt, and finds every tool that somebody says they use."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard
        self.crossings: list[str] = []

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        text = wire(prompt)
        self.crossings += crossing(self._guard.acting, text)
        yield f"{sorted(set(TOKEN.findall(text)))} {prompt.question.text}"
        yield Usage(input_tokens=1, output_tokens=1)

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        tokens = set(TOKEN.findall(request.data))
        self.crossings += [f"one call for {tokens}"] * (len(tokens) > 1)
        found = [
            {"op": "add", "field": "tools", "value": words[len("I use ") :], "evidence": [f"{message} {words}"]}
            for session in json.loads(request.data)["sessions"]
            for message, speaker, text, *_ in session["messages"]
            if speaker != "bot"
            for words in re.findall(r"I use [\w-]+", text)
        ]
        usage = Usage(input_tokens=1, output_tokens=1)
        return StructuredReply(text=json.dumps({"operations": found}), usage=usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that somebody does in one tenant."""

    number: int
    tenant: int
    op: Op
    member: str
    channel: str
    pick: int
    """Which of the earlier messages, where one is edited or deleted."""


def script(*, tenants: int, acts: int, random: Random) -> list[Act]:
    """What happens, in order."""
    return [
        Act(
            number=number,
            tenant=random.randrange(tenants),
            op=random.choice(OPS) if number % 100 != 99 else "tidy",
            member=random.choice(list(MEMBERS)),
            channel=random.choice([*KINDS, "D"]),
            pick=random.randrange(1_000),
        )
        for number in range(acts)
    ]


class Town:
    """A house with many tenants."""

    def __init__(self, house: House, guard: Guard, model: Honest) -> None:
        self._house, self._guard, self._model = house, guard, model
        self._said: dict[str, list[Message]] = {}
        self.done: Counter[Op] = Counter()
        self.kept: dict[int, Kept] = {}
        """What is stored of each tenant in the end, by table."""

    @classmethod
    async def played(cls, database: Path, acts: list[Act], *, only: Collection[int] | None = None) -> Town:
        """Play a script on a database, in all tenants or only in some."""
        guard, clock = Guard(), StillClock()
        model = Honest(guard)
        around = partial(watched, watch=guard.watch)
        async with House.opened(database, clock, model=model, around=around) as house:
            town = cls(house, guard, model)
            for act in acts:
                clock.advance(seconds=30)
                if only is None or act.tenant in only or act.op in {"learn", "tidy"}:
                    await town._do(act)
                    town.done[act.op] += 1
            guard.acting = None
            tenants = sorted({act.tenant for act in acts}) if only is None else only
            town.kept = {tenant: await _kept(house.store, tenant) for tenant in tenants}
        return town

    @property
    def crossings(self) -> list[str]:
        """Whatever of one tenant was seen in another."""
        return self._model.crossings

    @property
    def guard(self) -> Guard:
        return self._guard

    async def _do(self, act: Act) -> None:
        """One act, with everything that follows from it."""
        tenant = TenantId(f"slack:T{act.tenant:02}")
        self._guard.acting = None if act.op in {"learn", "tidy"} else tenant
        before = len(self._house.rooms.posts)
        member = Member(tenant=tenant, id=act.member, name=MEMBERS[act.member])
        match act.op:
            case "says" | "tells":
                await self._says(act, member)
            case "show" | "forget" | "erase" | "pause" | "resume":
                words = {"forget": "forget tools", "erase": "forget all"}.get(act.op, act.op)
                self._look(tenant, await self._house.commands.run(words, member))
            case "edit" | "delete":
                await self._changes(act, tenant)
            case "rule":
                await self._rules(tenant, member, RULES[act.pick % len(RULES)])
            case "learn":
                while (await self._house.learning.sweep()).sessions:  # one sweep takes only so many
                    pass
            case "tidy":
                await self._house.store.write(sessions.unpark)
                await self._house.intake.recover()
                await self._house.tidying.sweep()
                await self._house.special.sweep()
                erase = partial(retention.erase_old, now=self._house.clock.now(), message_life=retention.PARKED_LIFE)
                await self._house.store.write(erase)
        await self._house.lanes.drained()
        for post in self._house.rooms.posts[before:]:
            self._model.crossings += crossing(post.room.tenant, post.text)
            self._model.crossings += [] if post.room.tenant == tenant else [f"{tenant} posts in {post.room.tenant}"]

    async def _says(self, act: Act, member: Member) -> None:
        channel = f"D{member.id}" if act.channel == "D" else act.channel
        room = Room(tenant=member.tenant, channel=channel, kind="external")
        self._house.rooms.kinds[member.tenant, channel] = KINDS.get(channel, "direct")
        token = f"tt{act.tenant:02}"
        said = f"I use tool-{act.pick % 30}-{token}" if act.op == "tells" else f"What do I use? {token}"
        earlier = self._said.setdefault(member.tenant, [])
        message = Message(
            id=MessageId(f"{len(earlier)}.0"), room=room, author=member, text=said, said_at=self._house.clock.now()
        )
        earlier.append(message)
        assert await self._house.intake.accept(message)

    async def _changes(self, act: Act, tenant: str) -> None:
        earlier = self._said.get(tenant)
        if not earlier:
            return
        message = earlier[act.pick % len(earlier)]
        if act.op == "edit":
            text = f"I use other-{act.pick % 30}-tt{act.tenant:02}"
            edit = Edit(room=message.room, message=message.id, author=message.author, text=text)
            await self._house.intake.edit(edit)
        else:
            await self._house.intake.delete(Deletion(room=message.room, message=message.id))

    async def _rules(self, tenant: TenantId, admin: Member, words: str) -> None:
        where, commands = Room(tenant=tenant, channel="C1", kind="public"), self._house.commands
        shown = await commands.administer(words, admin, room=where, is_admin=_yes)
        self._look(tenant, shown)
        for button in shown.buttons:
            self._look(tenant, await commands.press(button.action, admin, room=where, is_admin=_yes))

    def _look(self, tenant: str, view: View) -> None:
        self._model.crossings += crossing(tenant, repr(view))


async def _yes() -> bool:
    return True


def crossing(tenant: str | None, text: str) -> list[str]:
    """What of other tenants stands in a text that is for one of them."""
    own = "" if tenant is None else f"tt{tenant.removeprefix('slack:T')}"
    return [f"{token} in {tenant}" for token in TOKEN.findall(text) if token != own]


async def _kept(store: Store, tenant: int) -> Kept:
    """What is stored of a tenant, without the names that are drawn by lot."""
    columns = {
        "fact": "member, id, value, audience, valid_from, valid_until",
        "operation": "member, id, op, value, audience, said_at, learned_at",
        "evidence": "member, operation, room, message, quote",
        "message": "room, id, position, author, text, said_at",
        "member": "id, consent, consent_at",
        "fence": "member, field, raised_at",
        "audit": "number, at, actor, action, field, audience, reason",
        "inbox": "key, state, attempts, settled_at",
    }

    async def read(transaction: Transaction) -> Kept:
        found = {}
        for table, names in columns.items():
            sql = f"SELECT * FROM {table} WHERE tenant = :tenant"  # noqa: S608 - our own words
            rows = await transaction.fetch(sql, tenant=f"slack:T{tenant:02}")
            opened = [await as_said(transaction, table, row) for row in rows]
            found[table] = sorted((tuple(row[name] for name in names.split(", ")) for row in opened), key=repr)
        return found

    return await store.read(read)
