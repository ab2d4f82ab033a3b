"""A page of the member's own: the persona, switches that match how things are, and what was used."""

from __future__ import annotations

from functools import partial

import pytest

from bot.commands import home
from bot.consent import Default
from bot.messages import Member
from bot.store import usage
from bot.store.sqlite import SqliteStore
from bot.views import Button, View
from persona.ports import Usage
from tests.bot.commands.members import ANA, BEN, DAY, T1, commands, everything, lines, told
from tests.clock import NOON, StillClock

PRESSED = [home.PAUSE, home.NOTICE_LESS, home.NOTICE_MORE]


async def page(store: SqliteStore, clock: StillClock, *, default: Default = "on") -> tuple[View, View]:
    above, below = await commands(store, clock, default=default).home(ANA, tenant=T1)
    return above, below


async def used(
    store: SqliteStore,
    call: str,
    *,
    member: Member = ANA,
    purpose: usage.Purpose = "answer",
    cost: int | None = 20_000,
    days_ago: int = 0,
) -> None:
    record = partial(
        usage.record,
        tenant=T1,
        call=call,
        usage=Usage(input_tokens=1_000, output_tokens=234, model="m"),
        purpose=purpose,
        shares={member.key: 1},
        cost=cost,
        now=NOON - days_ago * DAY,
    )
    await store.write(record)


def shown(view: View) -> list[str]:
    return [f"{line.text} · {line.note}" for line in lines(view)]


async def test_the_page_begins_with_the_persona(store: SqliteStore, clock: StillClock) -> None:
    """The first view is what `/persona show` shows."""
    await told(store, ANA, "location", "Lisbon")
    above, _ = await page(store, clock)

    assert above == await commands(store, clock).run("show", ANA)


async def test_switches_match_how_remembering_is_set(store: SqliteStore, clock: StillClock) -> None:
    """Each switch offers what is not so now, and pressing it turns it round."""
    used_commands = commands(store, clock)
    _, below = await page(store, clock)
    assert below.buttons == (home.PAUSE, home.NOTICE_LESS)

    await used_commands.press(home.NOTICE_LESS.action, ANA)
    _, below = await page(store, clock)
    assert below.buttons == (home.PAUSE, home.NOTICE_MORE)

    await used_commands.press(home.NOTICE_MORE.action, ANA)
    await used_commands.press(home.PAUSE.action, ANA)
    above, below = await page(store, clock)
    assert below.buttons == ()
    await used_commands.press(above.buttons[0].action, ANA)
    _, below = await page(store, clock)
    assert below.buttons == (home.PAUSE, home.NOTICE_LESS)


@pytest.mark.parametrize("default", ["ask", "off"])
async def test_where_nothing_is_remembered_the_page_says_so(
    store: SqliteStore, clock: StillClock, default: Default
) -> None:
    """Before a member agreed, and where nobody is remembered, no switch pretends otherwise."""
    above, below = await page(store, clock, default=default)

    assert "not on" in below.text
    assert below.buttons == ()
    assert bool(above.buttons) == (default == "ask")


@pytest.mark.parametrize("button", PRESSED)
async def test_every_switch_is_answered(store: SqliteStore, clock: StillClock, button: Button) -> None:
    """No switch is one that nothing answers to."""
    view = await commands(store, clock).press(button.action, ANA)

    assert "older version" not in view.text


async def test_usage_is_the_members_own_of_thirty_days(store: SqliteStore, clock: StillClock) -> None:
    """Calls, tokens and money of the last thirty days are shown, nobody else's and nothing older."""
    await used(store, "a")
    await used(store, "b", days_ago=29)
    await used(store, "c", purpose="learn", cost=5_000)
    await used(store, "old", days_ago=31)
    await used(store, "bens", member=BEN)
    _, below = await page(store, clock)

    assert shown(below) == [
        "2 answers · 2,468 tokens, $0.04",
        "1 update of what I remember · 1,234 tokens, less than $0.01",
    ]


@pytest.mark.parametrize(
    ("costs", "money"),
    [
        ([None], "at a price I do not know"),
        ([None, 20_000], "$0.02 and what has no price known to me"),
        ([0], "$0.00"),
        ([1_234_567_890], "$1,234.57"),
    ],
)
async def test_money_is_said_as_far_as_it_is_known(
    store: SqliteStore, clock: StillClock, costs: list[int | None], money: str
) -> None:
    """What a model without a known price cost is not passed off as nothing."""
    for number, cost in enumerate(costs):
        await used(store, str(number), cost=cost)
    _, below = await page(store, clock)

    assert [line.note.partition(" tokens, ")[2] for line in lines(below)] == [money]


async def test_who_used_nothing_reads_so(store: SqliteStore, clock: StillClock) -> None:
    """Before the first call the page says that there was none, and who reads it."""
    _, below = await page(store, clock)

    assert [line.text for line in lines(below)] == ["Nothing."]
    assert "Only you see this page" in everything(below)
