"""One of several workers on a PostgreSQL, as a process of its own: what it is told to accept it answers into a ledger.

    python -m tests.reliability.leased <url> <ledger> <lease in seconds> <skew in seconds>

A line `<message> <room>` on standard input is accepted, and said back once it is stored. The ledger takes a line for
each post and each removal, as a platform would, and is asked for posts that may have been taken.
"""

import asyncio
import base64
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from bot import logs, settings
from bot.clock import SystemClock
from bot.core import Core
from bot.messages import Member, Message, MessageId, Platform, Room, TenantId
from bot.models.offline import OfflineModel
from bot.ports import History, Post
from bot.prompt import Prompt
from bot.views import View
from bot.wiring import open_core
from persona.ports import Usage

TENANT = TenantId("slack:T1")
ANA = Member(tenant=TENANT, id="U1", name="Ana")
THINKS_S = 0.3
SWEEP_EVERY = timedelta(seconds=2)
"""What a conflict or a cut connection left behind is taken up again within this."""


class Skewed(SystemClock):
    """A computer's clock that is wrong by so many seconds."""

    def __init__(self, skew_s: float) -> None:
        self._skew = timedelta(seconds=skew_s)

    def now(self) -> datetime:
        return super().now() + self._skew


class Thinking(OfflineModel):
    """A model that takes its time, so that something is always being answered."""

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        await asyncio.sleep(THINKS_S)
        async for piece in super().answer(prompt):
            yield piece


class Ledger:
    """See `bot.ports.Adapter`: a file that several processes append to, a line at a time."""

    platform: Platform = "slack"
    grow_every_s: float | None = None
    lag_s = 0.0
    streams = ("ledger",)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def serves(self, room: Room) -> bool:
        return True

    async def classified(self, room: Room) -> Room:
        return room

    def parts(self, text: str) -> list[str]:
        return [text]

    async def post(self, post: Post) -> str:
        post_id = secrets.token_hex(6)
        self._write(what="post", reply_to=post.reply_to, answer=post.answer, post=post_id)
        return post_id

    async def edit(self, post: Post, post_id: str) -> str:
        return post_id

    async def remove(self, post: Post, post_id: str) -> None:
        self._write(what="remove", reply_to=post.reply_to, answer=post.answer, post=post_id)

    async def find(self, post: Post) -> str | None:
        lines = map(json.loads, self._path.read_text("utf-8").splitlines())
        found = {line["post"]: line["what"] for line in lines if line["answer"] == post.answer}
        return next((name for name, what in found.items() if what == "post"), None)

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        yield

    async def locale(self, member: Member) -> str | None:
        return None

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        return True

    def listed_in(self, room: Room, message: MessageId) -> Room:
        return room

    async def hears(self) -> bool:
        return True

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        return []

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        return None

    def _write(self, **line: str) -> None:
        os.write(self._file, (json.dumps(line) + "\n").encode())


async def main() -> None:
    """Answer until standard input ends."""
    url, ledger, lease, skew = sys.argv[1:]
    os.chdir(Path(ledger).parent)
    logs.configure("info", "json")
    loaded = settings.load(
        database_url=url,
        persona_key=base64.urlsafe_b64encode(bytes(32)).decode(),
        persona_consent="off",
        worker_lease=timedelta(seconds=float(lease)),
        sweep_every=SWEEP_EVERY,
    )
    async with open_core(loaded, clock=Skewed(float(skew)), model=Thinking()) as core:
        core.adapters["slack"] = Ledger(Path(ledger))
        async with core.working():
            _say(f"ready {core.holds.worker.id}")
            await _accept_all(core)


async def _accept_all(core: Core) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        number, channel = line.decode().split()
        message = Message(
            id=MessageId(number),
            room=Room(tenant=TENANT, channel=channel, kind="public"),
            author=ANA,
            text="hello?",
            said_at=core.clock.now(),
        )
        await core.intake.accept(message)
        _say(f"accepted {number}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - it is how it is heard


if __name__ == "__main__":
    asyncio.run(main())
