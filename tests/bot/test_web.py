"""The web server: each request reaches whoever offers its method and path, and a failure says nothing of its cause."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import structlog
from aiohttp import web

from bot import errors
from bot.web import Web


@asynccontextmanager
async def asking(served: Web) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who asks what is served on a free port of this machine."""
    async with (
        served.serving(0, host="127.0.0.1") as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def greet(request: web.BaseRequest) -> web.StreamResponse:
    """Say hello to whoever the body names."""
    return web.Response(text=f"hello {await request.text()}")


async def fail(_request: web.BaseRequest) -> web.StreamResponse:
    """Meet trouble that names a secret."""
    raise RuntimeError("the password is xyzzy")


async def test_a_request_reaches_who_offers_it() -> None:
    """Method and path decide, whatever stands behind a question mark."""
    served = Web()
    with served.offering("POST", "/greet", greet):
        async with asking(served) as session, session.post("/greet?x=1", data="Ana") as answer:
            assert (answer.status, await answer.text()) == (200, "hello Ana")


async def test_what_nobody_offers_is_not_there() -> None:
    """Another path is 404, another method 405 with the ones that go, and what was offered before is gone."""
    served = Web()
    async with asking(served) as session:
        with served.offering("POST", "/greet", greet):
            async with session.post("/greet/x") as answer:
                assert answer.status == 404
            async with session.get("/greet") as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        async with session.post("/greet") as answer:
            assert answer.status == 404


async def test_a_failure_says_nothing_of_its_cause() -> None:
    """Whoever asks gets a 500 without a word of why; the log names the path and the kind of error."""
    served = Web()
    with structlog.testing.capture_logs() as logged, served.offering("GET", "/fail", fail):
        async with asking(served) as session, session.get("/fail") as answer:
            assert (answer.status, await answer.text()) == (500, "This failed.\n")
    assert logged == [{"event": "web.failed", "log_level": "error", "path": "/fail", "error": "RuntimeError"}]


async def test_while_it_stops_only_the_last_are_answered() -> None:
    """From a stop on others get a 503 that asks them to come again, and what is offered to the end is answered."""
    served = Web()
    with served.offering("POST", "/greet", greet), served.offering("POST", "/last", greet, is_last=True):
        async with asking(served) as session:
            served.stop()
            async with session.post("/greet", data="Ana") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            async with session.post("/last", data="Ana") as answer:
                assert (answer.status, await answer.text()) == (200, "hello Ana")


async def test_a_body_without_end_is_refused() -> None:
    """Of a body at most a megabyte is read; more is 413."""
    served = Web()
    with served.offering("POST", "/greet", greet):
        async with asking(served) as session, session.post("/greet", data=io.BytesIO(bytes(1024 * 1024 + 1))) as answer:
            assert answer.status == 413


async def test_a_port_that_is_taken_is_named() -> None:
    """A start on a port that somebody has ends with a line that names the setting and the mend."""
    first, second = Web(), Web()
    async with first.serving(0, host="127.0.0.1") as port:
        with pytest.raises(errors.SettingsError, match=f"PORT: {port} cannot be had .* set another one"):
            async with second.serving(port, host="127.0.0.1"):
                pytest.fail("it served")
