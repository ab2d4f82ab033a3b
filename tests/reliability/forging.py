"""Requests to Slack's address that Slack did not sign, or signed too long ago: none of them may be taken."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from random import Random

import aiohttp

from tests.journeys.worlds_http import SIGNING_SECRET
from tests.twins.slack.over_http import JSON_TYPE, signed

VALID_S = 300
"""How long what Slack signed counts, either way."""
LONGEST_AGO_S = 7 * 24 * 3600
TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"

Headers = dict[str, str]


def _with_another_secret(chance: Random, body: bytes, now: float) -> Headers:
    return signed(body, secret=SIGNING_SECRET[: chance.randrange(len(SIGNING_SECRET))], at=now)


def _of_another_body(chance: Random, body: bytes, now: float) -> Headers:
    place = chance.randrange(len(body))
    return signed(body[:place] + body[place + 1 :], secret=SIGNING_SECRET, at=now)


def _of_another_moment(chance: Random, body: bytes, now: float) -> Headers:
    return signed(body, secret=SIGNING_SECRET, at=now) | {TIMESTAMP: str(int(now) - chance.randint(1, VALID_S - 10))}


def _with_another_digit(chance: Random, body: bytes, now: float) -> Headers:
    headers = signed(body, secret=SIGNING_SECRET, at=now)
    digits = list(headers[SIGNATURE])
    place = chance.randrange(len("v0="), len(digits))
    digits[place] = chance.choice([one for one in "0123456789abcdef" if one != digits[place]])
    return headers | {SIGNATURE: "".join(digits)}


def _cut(chance: Random, body: bytes, now: float) -> Headers:
    headers = signed(body, secret=SIGNING_SECRET, at=now)
    return headers | {SIGNATURE: headers[SIGNATURE][: chance.randrange(len(headers[SIGNATURE]))]}


def _without_a_header(chance: Random, body: bytes, now: float) -> Headers:
    headers = signed(body, secret=SIGNING_SECRET, at=now)
    del headers[chance.choice([TIMESTAMP, SIGNATURE])]
    return headers


def _of_another_version(chance: Random, body: bytes, now: float) -> Headers:
    headers = signed(body, secret=SIGNING_SECRET, at=now)
    return headers | {SIGNATURE: headers[SIGNATURE].replace("v0=", chance.choice(["v1=", "v0:", "", "V0="]))}


def _with_no_number(chance: Random, body: bytes, now: float) -> Headers:
    strange = ["", "nan", "-1", "0", "1e9", f"{int(now)}.5", "9" * 400, "\u0663" * 10]
    return signed(body, secret=SIGNING_SECRET, at=now) | {TIMESTAMP: chance.choice(strange)}


FORGED: tuple[Callable[[Random, bytes, float], Headers], ...] = (
    _with_another_secret,
    _of_another_body,
    _of_another_moment,
    _with_another_digit,
    _cut,
    _without_a_header,
    _of_another_version,
    _with_no_number,
)


def _replayed(chance: Random, body: bytes, now: float) -> Headers:
    """What Slack did sign, long ago, or will."""
    away_s = chance.choice([VALID_S + 10, chance.randint(VALID_S + 10, LONGEST_AGO_S)])
    return signed(body, secret=SIGNING_SECRET, at=now + chance.choice([-1, -1, -1, 1]) * away_s)


def requests(event: object, *, chance: Random, forged: int, replayed: int) -> Iterator[tuple[str, bytes, Headers]]:
    """So many of each: what it is, its body, its headers. Each is made as it is taken, since it is about its moment."""
    body = json.dumps(event).encode()
    for number in range(forged + replayed):
        make = FORGED[number % len(FORGED)] if number < forged else _replayed
        headers = make(chance, body, time.time())  # noqa: TID251 - the clock by which signatures are judged
        yield make.__name__.lstrip("_"), body, {**headers, "Content-Type": JSON_TYPE}


async def taken(url: str, sent: Iterator[tuple[str, bytes, Mapping[str, str]]]) -> tuple[int, list[str]]:
    """Send them one after the other. Returns how many there were, and what each was that got anything but a refusal."""
    number, accepted = 0, []
    async with aiohttp.ClientSession() as session:
        for name, body, headers in sent:
            async with session.post(url, data=body, headers=headers) as response:
                number += 1
                if response.status != 401:
                    accepted.append(f"{name}: answered with {response.status}")
    return number, accepted
