"""The plain screen on what a process is really given: pipes and files, and Ctrl-C."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.terminal.screen import PIECE_BYTES, PlainScreen
from tests.journeys.processes import ROOT


class Pipe:
    """A pipe with a screen at its end."""

    def __init__(self) -> None:
        descriptor, self._end = os.pipe()
        self.source = os.fdopen(descriptor)
        self.screen = PlainScreen(self.source, io.StringIO())

    def writes(self, data: bytes) -> None:
        os.write(self._end, data)

    def ends(self) -> None:
        if self._end >= 0:
            os.close(self._end)
        self._end = -1

    async def reads(self) -> str | None:
        return await self.screen.read("you", "#general")


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.ends()
    made.source.close()


async def test_a_pipe_is_read_line_by_line(pipe: Pipe) -> None:
    """However the bytes of a pipe arrive, they are read as lines, the last one without a line break too."""
    pipe.writes(b"one\ntwo\nthr")
    assert [await pipe.reads(), await pipe.reads()] == ["one\n", "two\n"]
    pipe.writes("ee ¡".encode()[:-1])
    third = asyncio.ensure_future(pipe.reads())
    await asyncio.sleep(0)
    pipe.writes("¡".encode()[-1:] + b"\n\nfour")
    pipe.ends()

    assert [await third, await pipe.reads(), await pipe.reads()] == ["three ¡\n", "\n", "four"]
    assert await pipe.reads() is None
    assert await pipe.reads() is None


async def test_a_line_may_be_longer_than_a_pipe(pipe: Pipe) -> None:
    """A line that does not fit into a pipe at once is read whole."""
    reading = asyncio.ensure_future(pipe.reads())
    for _ in range(3):
        await asyncio.to_thread(pipe.writes, b"x" * PIECE_BYTES)
    pipe.ends()

    assert await reading == "x" * 3 * PIECE_BYTES


async def test_a_line_nobody_waits_for_any_more_is_not_lost(pipe: Pipe) -> None:
    """A read that is given up holds nothing, and takes nothing from the next one."""
    given_up = asyncio.ensure_future(pipe.reads())
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    pipe.writes(b"later\n")

    assert await pipe.reads() == "later\n"


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"one\r\ntwo"])
async def test_a_file_is_read_to_its_end(tmp_path: Path, content: bytes) -> None:
    """A script in a file is read like one from a pipe."""
    script = tmp_path / "script"
    script.write_bytes(content)
    with script.open() as source:
        screen = PlainScreen(source, io.StringIO())
        read = [await screen.read("you", "#general") for _ in range(3)]

    assert [line and line.strip() for line in read] == ["one", "two", None]


CHAT = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background has it ignored
sys.argv = ["bot", "chat"]
runpy.run_module("bot", run_name="__main__")
"""


async def chat(folder: Path) -> asyncio.subprocess.Process:
    """`rapport chat` with pipes at both ends, once it listens."""
    inherited = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHAT),
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **inherited},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    await process.stdout.readuntil(b"/help lists the rest.")
    return process


@pytest.mark.slow
@pytest.mark.parametrize("typed", [b"", b"half a li"])
async def test_ctrl_c_ends_the_session_at_once(tmp_path: Path, typed: bytes) -> None:
    """Ctrl-C ends a session that waits for a line, without another one, with the status that says so."""
    process = await chat(tmp_path)
    assert process.stdin is not None
    process.stdin.write(typed)
    process.send_signal(signal.SIGINT)

    assert await asyncio.wait_for(process.wait(), 10) == 128 + signal.SIGINT
    process.stdin.close()


@pytest.mark.slow
async def test_piped_input_ends_with_status_0(tmp_path: Path) -> None:
    """A script that is piped in is answered to its last line, line break or not, and is no failure."""
    process = await chat(tmp_path)
    shown, _ = await process.communicate(b"hello\nI use Vim.")

    assert "tools: Vim" in shown.decode()
    assert process.returncode == 0
