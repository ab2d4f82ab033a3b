"""B18: whatever a conversation holds, a request to the model fits, and what is left out is the oldest of it.

Histories of all sizes and scripts are stored, members with full personas ask in their rooms, and the requests are
judged as they arrive at the twin of the Messages API. Then the same rooms are learned, and so are the requests of
updates.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random

from bot import prompt
from bot.core import Core
from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.models import anthropic_requests
from bot.store import conversations
from persona.audience import RoomKind
from persona.ports import Transaction
from tests.clock import StillClock
from tests.journeys.worlds import is_update, learns
from tests.reliability import paper
from tests.reliability.prop import Property, Report, Trial
from tests.twins.anthropic import AnthropicTwin, Request
from tests.twins.anthropic.cache import tokens

TENANT = TenantId("slack:T1")

MOST_BYTES = 130_000
"""Of the text of a request for an answer."""
MOST_UPDATE_BYTES = 100_000
"""Of the text of a request for an update: what budgets reckon with."""
MOST_PERSONA_TOKENS = 2_000
MOST_QUESTION_CHARS = 24_000
MOST_TURNS = 40
MOST_HISTORY_BYTES = 24_000

SCRIPTS = ("word ", "ö", "да ", "語", "🌂", "<", '"', "\\", "\n", "</persona>", "👨‍👩‍👧‍👦", "\u202e", "ﷺ")
"""What texts are made of: several bytes a letter, what JSON and our tags escape, what turns around."""
FIELDS = ("interests", "values", "projects", "tools", "routines", "skills", "travel")
PLAIN = ("word ", "öäü ", "да нет ", "語学 ", "🌂 ")
"""What personas are made of, one member each."""
CANARY = "Quasimodo"
"""What every member entered for themself alone, and no room but theirs may know."""


@dataclass(slots=True, kw_only=True)
class _Bench:
    trial: Trial
    core: Core
    clock: StillClock
    claude: AnthropicTwin
    chance: Random
    report: Report = field(default_factory=Report)
    largest: dict[str, int] = field(default_factory=dict)
    built_ms: list[float] = field(default_factory=list)
    said: int = 0
    instructions: str = ""
    """Of the first request: every other has the same."""

    @property
    def members(self) -> list[Member]:
        return [Member(tenant=TENANT, id=f"U{number}", name="n" * 40) for number in range(len(PLAIN))]

    async def get_known(self) -> None:
        """Let a persona be learned of every member that is more than a prompt takes, and one fact each be entered."""
        for day in range(3):
            operations = []
            for member, letters in zip(self.members, PLAIN, strict=True):
                values = [
                    f"{name[:3]}{day}{number} {letters * 30}"[:50].strip() for name in FIELDS for number in range(2)
                ]
                fields = [name for name in FIELDS for _ in range(2)]
                text = "\n".join(f"I say {value}." for value in values)
                room = Room(tenant=TENANT, channel=f"K{member.id}", kind="public")
                await self.store(room, [(member, text)])
                operations += [
                    ("add", name, value, f"I say {value}") for name, value in zip(fields, values, strict=True)
                ]
            learns(self.claude, *operations)
            await self.idle(sweeps=1)
        for member in self.members:
            await self.core.commands.run(f"add location {CANARY}", member)

    async def store(self, room: Room, lines: list[tuple[Member | None, str]]) -> list[str]:
        """Let lines be said in a room; returns their ids."""

        async def append(transaction: Transaction, *, first: int) -> None:
            for number, (author, text) in enumerate(lines):
                message = MessageId(f"{first + number}.0")
                now = self.clock.now()
                await conversations.append(transaction, room, message=message, author=author, text=text, said_at=now)

        first, self.said = self.said, self.said + len(lines)
        await self.core.store.write(partial(append, first=first))
        return [f"{first + number}.0" for number in range(len(lines))]

    async def asks(self, room: Room, author: Member, question: str) -> Request:
        """Ask in a room; the request that is made of it."""
        self.said += 1
        message = Message(
            id=MessageId(f"{self.said}.0"), room=room, author=author, text=question, said_at=self.clock.now()
        )
        self.said += 1
        await self.core.intake.accept(message)
        await self.core.lanes.drained()
        return self.claude.requests[-1]

    async def idle(self, *, sweeps: int) -> None:
        self.clock.advance(days=1)
        for _ in range(sweeps):
            await self.core.learning.sweep()
            self.clock.advance(minutes=1)

    def text(self, chars: int) -> str:
        """A text of so many characters, of one script or of several."""
        letters = self.chance.choice([*SCRIPTS, "".join(SCRIPTS)])
        return f"{self.chance.random()} {letters * (chars // len(letters) + 1)}"[:chars].strip() or "x"

    def fault(self, what: str) -> None:
        self.report.faults.append(what)

    def measure(self, name: str, size: int) -> None:
        self.largest[name] = max(self.largest.get(name, 0), size)


async def _run(trial: Trial) -> Report:
    async with AnthropicTwin() as claude, _running(trial, claude) as bench:
        await bench.get_known()
        is_large = set(range(0, trial.size["histories"], max(2, trial.size["histories"] // trial.size["largest"])))
        for number in range(trial.size["histories"]):
            most = trial.size["max_chars"] if number in is_large else 200_000
            await _history(bench, number, chars=int(most ** (1 if number in is_large else bench.chance.random())))
        asked = len(claude.requests)
        learns(claude)
        await bench.idle(sweeps=trial.size["sweeps"])
        for request in claude.requests[asked:]:
            _judge_update(bench, request)
        if claude.refused:
            bench.fault(f"the API refused {len(claude.refused)} requests")
        times = sorted(bench.built_ms)
        bench.report.figures |= {
            "requests": len(claude.requests),
            **{f"largest_{name}": size for name, size in bench.largest.items()},
            "build_p99_ms": round(times[int(len(times) * 0.99)], 1),
        }
        return bench.report


@asynccontextmanager
async def _running(trial: Trial, claude: AnthropicTwin) -> AsyncIterator[_Bench]:
    clock = StillClock()
    claude.match(is_update, '{"operations": []}')
    claude.default = "An answer."
    async with paper.opened(trial, claude, clock) as core:
        yield _Bench(trial=trial, core=core, clock=clock, claude=claude, chance=trial.chance("histories"))


async def _history(bench: _Bench, number: int, *, chars: int) -> None:
    """Let so much be said in a room, and a member ask there; now and then the same in a second room."""
    chance = bench.chance
    kind: RoomKind = chance.choice(["direct", "private", "public", "external"])
    count = chance.choice([1, 3, 20, 45, 100])
    member = chance.choice(bench.members)
    speakers = [member] if kind == "direct" else bench.members
    lines = [(chance.choice([*speakers, None]), bench.text(max(1, chars // count))) for _ in range(count)]
    question = bench.text(chance.choice([1, 50, 5_000, MOST_QUESTION_CHARS]))
    requests = []
    for twin in range(2 if number % 10 == 5 else 1):
        room = Room(tenant=TENANT, channel=f"R{number}x{twin}", kind=kind)
        await bench.store(room, lines)
        requests.append(await bench.asks(room, member, question))
        await _time(bench, room, member, question)
    if len({request.raw for request in requests}) > 1:
        bench.fault(f"history {number}: the same words gave two prompts")
    _judge_answer(bench, number, requests[0], [text for _, text in lines], question, kind=kind)


async def _time(bench: _Bench, room: Room, member: Member, question: str) -> None:
    """How long it takes to read a conversation and to make a request of it."""
    began = time.perf_counter()
    most, most_bytes = prompt.MAX_HISTORY_LINES, prompt.MAX_HISTORY_BYTES
    read = partial(conversations.recent, room=room, before=10**9, most=most, most_bytes=most_bytes)
    history = await bench.core.store.read(read)
    message = Message(id=MessageId("m"), room=room, author=member, text=question, said_at=bench.clock.now())
    anthropic_requests.answer(prompt.build(message, persona="{}", history=history), "claude-sonnet-5-5")
    bench.built_ms.append((time.perf_counter() - began) * 1000)


def _judge_answer(
    bench: _Bench, number: int, request: Request, said: list[str], question: str, *, kind: RoomKind
) -> None:
    """What arrived: within its size, whole where it has to be, the end of what was said, and nothing of a secret."""
    body = request.body
    (instructions,) = [block["text"] for block in body["system"]]
    texts = [block["text"] for message in body["messages"] for block in message["content"]]
    size = sum(len(text.encode()) for text in (instructions, *texts))
    bench.measure("bytes", size)
    if size > MOST_BYTES:
        bench.fault(f"history {number}: a request has {size} bytes of text")
    bench.instructions = bench.instructions or instructions
    if instructions != bench.instructions or "<persona>" not in instructions:
        bench.fault(f"history {number}: the instructions are not whole")
    if not texts[-1].endswith(question):
        bench.fault(f"history {number}: the question is not whole")
    personas = [text for text in texts if text.startswith("<persona>\n")]
    bench.measure("persona_tokens", max(map(tokens, personas), default=0))
    if len(personas) != (kind != "external") or any(tokens(text) > MOST_PERSONA_TOKENS for text in personas):
        bench.fault(f"history {number}: {len(personas)} personas, of {[tokens(text) for text in personas]} tokens")
    if kind != "direct" and CANARY in request.raw.decode():
        bench.fault(f"history {number}: what a member alone may know reached another room")
    turns = [text for text in texts[:-1] if text not in personas and "conversation began earlier" not in text]
    kept = said[len(said) - len(turns) :] if turns else []
    if not all(turn.endswith(text) for turn, text in zip(turns, kept, strict=True)):
        bench.fault(f"history {number}: what is left of the conversation is not its end, in its order")
    older = said[: len(said) - len(turns)]
    fits = older and sum(len(text.encode()) for text in [older[-1], *kept]) <= MOST_HISTORY_BYTES
    if fits and len(turns) < MOST_TURNS - 1 and len(question) < MOST_QUESTION_CHARS:
        bench.fault(f"history {number}: a line was left out that would have fitted")


def _judge_update(bench: _Bench, request: Request) -> None:
    body = request.body
    texts = [body["system"][0]["text"], body["messages"][0]["content"], str(body["output_config"]["format"])]
    size = sum(len(text.encode()) for text in texts)
    bench.measure("update_bytes", size)
    if size > MOST_UPDATE_BYTES:
        bench.fault(f"a request for an update has {size} bytes of text")


PROPERTY = Property(
    name="context",
    reference="B18",
    promise="A request to the model always fits, the same words give the same bytes, and the oldest goes first.",
    run=_run,
    quick={"histories": 50, "max_chars": 5_000_000, "largest": 2, "sweeps": 1},
    full={"histories": 1000, "max_chars": 5_000_000, "largest": 50, "sweeps": 40},
)
