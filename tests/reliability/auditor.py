"""The auditor: was every message answered once, in order, and everything learned once? Judges from outside.

It imports nothing of what it judges. It reads what the twins saw, as lines of JSON, and the database by the names of
its tables and columns. `python -m tests.reliability.auditor <account> <database>` ends with 1 if something is wrong.
"""

import asyncio
import dataclasses
import json
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

Row = Mapping[str, Any]

MAX_ITEMS = 12
"""The most values that one field of a persona keeps; nobody is told of more by the workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message that a member addressed to Rapport, in the order of saying."""

    platform: str
    tenant: str
    room: str
    channel: str
    post: str
    author: str
    token: str = ""
    """What the message is recognised by."""
    whole: str = ""
    """The only answer to it."""
    teaches: bool = False
    """Whether one fact is to be learned from it."""
    is_taken: bool = False
    """Whether the platform knows that Rapport has it."""

    @property
    def key(self) -> str:
        """What its row in the inbox is known by."""
        return f"{self.channel}:{self.post}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A post in Rapport's name, as members see it at the end."""

    platform: str
    channel: str
    post: str
    text: str
    below: str | None = None
    """Discord: the message it replies to. Slack: its thread."""
    answer: str | None = None
    """Slack: the answer id in its metadata."""
    part: int = 0


@dataclass(slots=True, kw_only=True)
class Account:
    """What was seen from outside."""

    said: list[Said] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """The token of each answer that the model was asked for."""
    kills: int = 0
    """How many processes were killed. Each had two answers under way at most."""

    def write(self, path: Path) -> None:
        """Write it down, an entry a line."""
        entries = [
            *({"kind": "said", **dataclasses.asdict(one)} for one in self.said),
            *({"kind": "shown", **dataclasses.asdict(one)} for one in self.shown),
            {"kind": "rest", "calls": self.calls, "kills": self.kills},
        ]
        path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")

    @classmethod
    def read(cls, path: Path) -> "Account":
        """What `write` wrote."""
        account = cls()
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            match entry.pop("kind"):
                case "said":
                    account.said.append(Said(**entry))
                case "shown":
                    account.shown.append(Shown(**entry))
                case _:
                    account.calls, account.kills = entry["calls"], entry["kills"]
        return account


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found. No faults: everything is as it was promised."""

    faults: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)


TABLES = {
    "inbox": "SELECT * FROM inbox",
    "outbox": "SELECT tenant, answer, part, state, post FROM outbox",
    "conversation": "SELECT * FROM conversation",
    "operation": "SELECT tenant, member, id, field, op, undone_at FROM operation",
    "evidence": "SELECT tenant, member, operation, room_tenant, room, message FROM evidence",
    "fact": "SELECT tenant, member, id, field, valid_until FROM fact",
}


async def audit(account: Account, database: str) -> Verdict:
    """Judge an account and a database, as DATABASE_URL names it."""
    verdict = Verdict()
    rows = await _rows(database)
    _judge_file(database, verdict)
    _judge_outcomes(account, rows, verdict)
    _judge_order(account, rows, verdict)
    _judge_personas(account, rows, verdict)
    _judge_calls(account, verdict)
    return verdict


# -- the database -----------------------------------------------------------------------------------------------------


async def _rows(database: str, tables: Collection[str] = tuple(TABLES)) -> dict[str, Sequence[Row]]:
    chosen = {name: TABLES[name] for name in tables}
    if database.startswith("sqlite:///"):
        return _from_sqlite(Path(database.removeprefix("sqlite:///")), chosen)
    connection = await asyncpg.connect(database)
    try:
        return {name: [dict(row) for row in await connection.fetch(sql)] for name, sql in chosen.items()}
    finally:
        await connection.close()


def _from_sqlite(path: Path, chosen: Mapping[str, str]) -> dict[str, Sequence[Row]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {name: [dict(row) for row in connection.execute(sql)] for name, sql in chosen.items()}


def _judge_file(database: str, verdict: Verdict) -> None:
    """What SQLite says of its own file; PostgreSQL checks its pages as it reads them."""
    if not database.startswith("sqlite:///"):
        return
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        whole = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    if whole != ["ok"]:
        verdict.faults.append(f"damaged: {whole[:3]}")
    if dangling:
        verdict.faults.append(f"damaged: {len(dangling)} rows point nowhere")


async def unlearned(database: str) -> int:
    """How many conversations have something left to learn."""
    rows = await _rows(database, tables=("conversation",))
    return sum(row["learned_through"] < row["last_position"] for row in rows["conversation"])


async def stored(database: str) -> set[tuple[str, str]]:
    """What is in the inbox by now: tenant and key."""
    rows = await _rows(database, tables=("inbox",))
    return {(row["tenant"], row["key"]) for row in rows["inbox"]}


async def unsettled(database: str, said: Iterable[Said]) -> int:
    """How many messages have no outcome yet."""
    rows = await _rows(database, tables=("inbox",))
    done = {(row["tenant"], row["key"]) for row in rows["inbox"] if row["settled_at"] is not None}
    return sum((one.tenant, one.key) not in done for one in said)


# -- outcomes ---------------------------------------------------------------------------------------------------------


def _judge_outcomes(account: Account, rows: Mapping[str, Sequence[Row]], verdict: Verdict) -> None:
    """One visible outcome for each message, all of it, and nothing besides."""
    inbox = {(row["tenant"], row["key"]): row for row in rows["inbox"]}
    shown, strays = _by_message(account, inbox)
    verdict.faults += [f"stray: {one.post} in {one.channel} on {one.platform} answers nothing" for one in strays]
    ended: Counter[str] = Counter()
    for said in account.said:
        row = inbox.pop((said.tenant, said.key), None)
        ended[_judge_one(said, row, shown[said], verdict.faults)] += 1
    verdict.faults += [f"doubled: {key} of {tenant} was accepted, and nobody said it" for tenant, key in inbox]
    open_parts = [row for row in rows["outbox"] if row["state"] != "sent"]
    verdict.faults += [f"unfinished: part {row['part']} of {row['answer']} is {row['state']}" for row in open_parts]
    verdict.figures |= {"messages": len(account.said), "kills": account.kills, **ended}


def _judge_one(said: Said, row: Row | None, shown: Sequence[Shown], faults: list[str]) -> str:
    """What became of one message: answered, failed, or what is wrong with it."""
    what = f"{said.token} ({said.post} in {said.room} on {said.platform})"
    if row is None:
        faults.append(f"lost: {what} was {'acknowledged and ' if said.is_taken else ''}never stored")
        return "lost"
    if row["settled_at"] is None or row["state"] not in {"answered", "failed"}:
        faults.append(f"unsettled: {what} is {row['state']} after {row['attempts']} tries")
    if len(shown) != 1:
        faults.append(f"{'lost' if not shown else 'doubled'}: {what} has {len(shown)} outcomes")
        return "doubled" if shown else "lost"
    if shown[0].text == said.whole:
        return "answered"
    if f"(reference {row['answer'][:8]})" in shown[0].text:
        return "failed"
    kind = "unfinished" if said.whole.startswith(shown[0].text) else "wrong"
    faults.append(f"{kind}: {what} shows {shown[0].text!r}")
    return kind


def _by_message(
    account: Account, inbox: Mapping[tuple[str, str], Row]
) -> tuple[Mapping[Said, list[Shown]], list[Shown]]:
    """What is shown for each message, and what is shown for none."""
    by_answer = {row["answer"]: key for key, row in inbox.items()}
    by_key = {(said.tenant, said.key): said for said in account.said}
    by_post = {(said.platform, said.post): said for said in account.said}
    found: defaultdict[Said, list[Shown]] = defaultdict(list)
    strays = []
    for one in account.shown:
        said = by_key.get(by_answer.get(one.answer, ("", ""))) if one.answer else None
        said = said or by_post.get((one.platform, one.below or ""))
        if said is None or said.channel != one.channel:
            strays.append(one)
        else:
            found[said].append(one)
    return found, strays


def _judge_order(account: Account, rows: Mapping[str, Sequence[Row]], verdict: Verdict) -> None:
    """In a room, answers stand in the order in which the questions were taken in, which is the platform's to decide."""
    inbox = {(row["tenant"], row["key"]): row for row in rows["inbox"]}
    shown, _ = _by_message(account, inbox)
    rooms: defaultdict[tuple[str, str], list[Said]] = defaultdict(list)
    for said in account.said:
        rooms[said.tenant, said.room].append(said)
    for (tenant, room), asked in rooms.items():
        taken = sorted((row["received_at"], said.key) for said in asked if (row := inbox.get((tenant, said.key))))
        by_key = {said.key: said for said in asked}
        posts = [_moment(one.post) for _, key in taken for one in shown[by_key[key]] if one.text == by_key[key].whole]
        if posts != sorted(posts):
            verdict.faults.append(f"disorder: the answers in {room} of {tenant} do not stand as they were asked for")


def _moment(post: str) -> tuple[int, ...]:
    """Ids of posts in their order: Slack's are seconds and microseconds, Discord's count up."""
    return tuple(int(number) for number in post.split("."))


# -- personas ---------------------------------------------------------------------------------------------------------


def _judge_personas(account: Account, rows: Mapping[str, Sequence[Row]], verdict: Verdict) -> None:
    """Each message that teaches something taught it once, to its author; the facts are what follows from that."""
    taught: Counter[tuple[str, str]] = Counter()
    expected: Counter[tuple[str, str]] = Counter()
    resting = Counter((row["room_tenant"], row["message"], row["member"]) for row in rows["evidence"])
    for said in account.said:
        number = resting.pop((said.tenant, said.post, said.author), 0)
        if number != int(said.teaches):
            kind = "unlearned" if not number else "learned twice" if said.teaches else "made up"
            verdict.faults.append(f"{kind}: {number} operations rest on {said.token} ({said.post} in {said.room})")
        taught[said.platform, said.author] += said.teaches
    verdict.faults += [f"made up: {who} learned from {post} of {tenant}" for tenant, post, who in resting]
    for row in rows["fact"]:
        expected[row["tenant"].partition(":")[0], row["member"]] += row["valid_until"] is None
    for who, number in taught.items():
        if expected[who] != min(number, MAX_ITEMS):
            verdict.faults.append(f"persona: {who} has {expected[who]} facts and told {number}")
    behind = [row for row in rows["conversation"] if row["learned_through"] < row["last_position"]]
    verdict.faults += [f"unlearned: {row['room']} of {row['tenant']} after {row['attempts']} tries" for row in behind]
    held = [row for row in rows["conversation"] if row["lease_owner"] is not None]
    verdict.faults += [f"stale lease: somebody still holds {row['room']} of {row['tenant']}" for row in held]
    verdict.figures["operations"] = len(rows["operation"])


def _judge_calls(account: Account, verdict: Verdict) -> None:
    """A kill may cost what was under way a second call of the model, and nothing else may."""
    most = len(account.said) + 2 * account.kills
    if len(account.calls) > most:
        verdict.faults.append(f"spent: {len(account.calls)} answers were asked for, {most} at most may be")
    verdict.figures["calls"] = len(account.calls)


def described(verdict: Verdict) -> Iterable[str]:
    """The verdict in lines."""
    yield ", ".join(f"{name} {value}" for name, value in verdict.figures.items())
    yield from verdict.faults


def _printed(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        sys.stdout.write(f"{line}\n")
        yield line


if __name__ == "__main__":
    found = asyncio.run(audit(Account.read(Path(sys.argv[1])), sys.argv[2]))
    list(_printed(described(found)))
    sys.exit(1 if found.faults else 0)
