"""Slack over HTTP: events, commands and what is done with buttons arrive on one path, each signed with our secret."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.web import Web

PATH = "/slack/events"

_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@contextmanager
def receiving(app: AsyncApp, served: Web, *, signing_secret: str) -> Iterator[None]:
    """Let `app` answer what Slack delivers, until the context is left."""
    verifier = SignatureVerifier(signing_secret)
    with served.offering("POST", PATH, partial(_received, app, verifier)):
        yield


async def _received(app: AsyncApp, verifier: SignatureVerifier, request: web.BaseRequest) -> web.StreamResponse:
    """Answer one delivery. What Slack did not sign within five minutes is not even parsed.

    Bolt checks once more; but it parses first, and what a stranger sends need not be what it expects.
    """
    raw = await request.read()
    if not _is_signed(verifier, raw, request):
        return web.json_response({"error": "invalid request"}, status=401)
    answer = await app.async_dispatch(
        AsyncBoltRequest(body=raw.decode(), query=request.query_string, headers=dict(request.headers))
    )
    return await to_aiohttp_response(answer)


def _is_signed(verifier: SignatureVerifier, raw: bytes, request: web.BaseRequest) -> bool:
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    if not (_TIMESTAMP.fullmatch(timestamp) and signature.isascii()):
        return False  # the SDK expects a number, and letters it can compare
    try:
        return verifier.is_valid(raw, timestamp, signature)
    except UnicodeDecodeError:
        return False
