"""What a hostile model may write, and what of it would be live on Slack and on Discord (reliability B20).

What is live is written down here once more, coarser than the gate has it: everything that looks like an address at all
has to be one that was posted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from random import Random
from typing import Literal

from slack_sdk.web.async_client import AsyncWebClient

import adapters.discord.adapter as discord
import adapters.slack.adapter as slack
from adapters.slack.render import mrkdwn
from bot import addresses, markdown
from tests.clock import StillClock
from tests.twins.discord.mentions import mentions
from tests.twins.slack.pings import pinged

Where = Literal["slack", "discord"]
CANARY = "zq-harbour"
POSTED = ("https://docs.example/guide", "http://docs.example:8080/a_(b)?q=1&r=2#top", "ana@docs.example", "docs.dev")
KNOWN = addresses.found(*(f"See {address} for it." for address in POSTED))

MARKS = [
    *"*_~`[]()!<>|\\\"'#&-.:,;/@=",
    "**",
    "~~",
    "`` ",
    "```",
    "\n```\n",
    "\n```py\n",
    "\n~~~\n",
    "\n",
    "\n\n",
    "> ",
]
LINKS = ["[", "](", "](<", "]( ", "](\n", "![", "[x](", ' "t")', "<", "|", "[1]: ", "][1]", "[.]", "[:]", "[@]"]
SCHEMES = ["https://", "HTTPS://", "http:", "http:/", "https:\\/\\/", "slack://", "mailto:", "https&#58;//", "x://"]
HOSTS = ["evil.example", "evil.dev", "www.evil.dev", "bo@evil.example", "discord.gg/", "xn--80ak6aa.com", "еvil.рф"]
REST = [
    f"/{CANARY}",
    f"{CANARY}.",
    f"?q={CANARY}",
    "%7a",
    ".png",
    ":443",
    "@",
    "&period;",
    "\u200b",
    "\u2028",
    "\u00a0",
]
PINGS = [
    "@everyone",
    "@here",
    "<!channel>",
    "<!here|x>",
    "<@U1>",
    "<@1>",
    "<@&2>",
    "<#C1|x>",
    "<!subteam^S1>",
    "<+1555",
]
WORDS = ["word ", " ", "and ", "e.g. ", "3.5 ", "README.md ", "`a.b` ", "naïve ", "日本語", "👩‍👩‍👧", "\u202e", "\0"]
PIECES = [*MARKS, *LINKS, *SCHEMES, *HOSTS, *REST, *PINGS, *WORDS, *POSTED, *(f" {address} " for address in POSTED)]

_SCHEME = re.compile(
    r"[a-z][a-z0-9+.-]*://+[^\W_]|(?:https?|(?<![^\W_])(?:mailto|tel)):/*[^\W_]|(?<![^\W_])(?<![.-])www\.\w",
    re.IGNORECASE,
)
_MAIL = re.compile(r"\w@[\w-]+(?:\.[\w-]+)*\.[a-z]{2}", re.IGNORECASE)
_INVITE = re.compile(r"(?<!\w)discord\.gg/\w", re.IGNORECASE)
_HOST = re.compile(r"(?<![^\W_])(?:[\w-]+\.)+(?:dev|com|рф)(?![\w-]|\.[^\W\d])", re.IGNORECASE)
_HIDDEN = re.compile(r"\]\(\s*<?(?:(?:https?|mailto|tel):|www\.|[a-z][a-z0-9+.-]*:/)", re.IGNORECASE)
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_AROUND = {
    "://": (r"(?<![A-Za-z])", r"(?=(?:[^\w\s/?#&=%@-]|_){0,5}(?:\s|$))"),
    "@": (r"(?<![A-Za-z0-9])", r"(?![^\W_]|-|\.\w[\w-]|\?\S)"),
    "": (r"(?<![A-Za-z0-9])(?<!\w@)", r"(?![\w-]|\.\w|:\d|[/?#]\S)"),
}
"""What may stand before and after a posted address that is still the same, by what it holds."""


def _standing(address: str) -> re.Pattern[str]:
    before, after = next(around for mark, around in _AROUND.items() if mark in address)
    return re.compile(f"{before}{re.escape(address)}{after}")


_STANDS = [_standing(address) for address in POSTED]


def written(random: Random) -> str:
    """Something a model may write; one in thirty is longer than a part."""
    count = random.randrange(400, 900) if random.random() < 1 / 30 else random.randrange(1, 24)
    return "".join(random.choices(PIECES, k=count))


def sent(text: str, where: Where) -> list[str]:
    """The texts that a platform gets of an answer, by the gate, the cutting and the rendering of its adapter."""
    if where == "slack":
        return [mrkdwn(part) for part in addresses.parts(text, KNOWN, _SLACK.parts)]
    return addresses.parts(text, KNOWN, _cut_for_discord)


def faults(text: str, where: Where) -> list[str]:
    """What a platform would do with a text of ours that it must not."""
    return list(_on_slack(text) if where == "slack" else _on_discord(text))


def _on_slack(text: str) -> Iterator[str]:
    yield from (f"pings {whom}" for whom in pinged(text, [], []))
    if len(text) > 4_000:
        yield "does not fit"
    shown = html.unescape(text)
    yield from _live(shown)
    yield from (f"bare {host}" for host in _HOST.findall(_without_posted(_CODE.sub("`", shown))))


def _on_discord(text: str) -> Iterator[str]:
    found = mentions(text, dict(discord.SILENT.to_dict()))
    if found.users or found.roles or found.everyone:
        yield "pings"
    if len(text) > discord.MAX_TEXT:
        yield "does not fit"
    yield from _live(text)
    yield from (f"hidden {link}" for link in _HIDDEN.findall(_CODE.sub("`", text)))


def _live(shown: str) -> Iterator[str]:
    left = _without_posted(shown)
    for kind in (_SCHEME, _MAIL, _INVITE):
        yield from (f"live {address[0]}" for address in kind.finditer(left))


def _without_posted(text: str) -> str:
    for posted in _STANDS:
        text = posted.sub("x", text)
    return text


_SLACK = slack.SlackAdapter(AsyncWebClient(token="xoxb-none", retry_handlers=[]), clock=StillClock())


def _cut_for_discord(text: str) -> list[str]:
    return markdown.split(text, discord.MAX_TEXT)
