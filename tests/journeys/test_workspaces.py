"""Many workspaces install one Rapport: each is answered by its own token, and none meets another."""

from __future__ import annotations

import asyncio
import base64
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.purging import KEYS
from tests import postgres
from tests.journeys.processes import python
from tests.journeys.test_departures import HOURS_72, held, state_of
from tests.journeys.worlds import CONSENT_YES, answers, learns
from tests.journeys.worlds_many import ManyWorlds, Transport, many_worlds
from tests.scan import found
from tests.twins.server import WAIT_S


@pytest.fixture(params=["socket", "http"])
async def many(request: pytest.FixtureRequest, database: Path) -> AsyncIterator[ManyWorlds]:
    """Two workspaces, on each transport."""
    transport: Transport = request.param
    async with many_worlds(database.parent, transport) as made:
        yield made


@pytest.fixture
async def over_http(database: Path) -> AsyncIterator[ManyWorlds]:
    """Two workspaces, over HTTP: for what does not depend on it."""
    async with many_worlds(database.parent, "http") as made:
        yield made


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A database of PostgreSQL with nothing in it."""
    with postgres.running() as server:
        yield asyncio.run(server.take())


def installed_in(many: ManyWorlds) -> list[str]:
    """The workspaces whose tokens are kept."""
    with closing(sqlite3.connect(many.database)) as connection:
        return [row[0] for row in connection.execute("SELECT tenant FROM installation ORDER BY tenant")]


async def until(found: Callable[[], bool]) -> None:
    """Wait for what no twin hears of."""
    async with asyncio.timeout(WAIT_S):
        while not found():  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0)


async def test_each_workspace_is_answered_where_it_asks(many: ManyWorlds) -> None:
    """Members of two workspaces, in rooms of the same ids, are each answered in their own, by its own token."""
    many.claude.script("For one.", "For two.", "Direct.")
    async with many.running(persona_consent="off"):
        first = await many.installs(many.one)
        second = await many.installs(many.two)
        one = await many.one.says("Ana", "hello")
        said = [await many.one.answered(one)]
        two = await many.two.says("Ana", "hello")
        said.append(await many.two.answered(two))
        direct = await many.two.dms("Bo", "psst")

        assert (first.status, second.status) == (200, 200)
        assert "Team T1" in first.text
        assert "Team T2" in second.text
        assert said == ["For one.", "For two."]
        assert await many.two.answered(direct) == "Direct."
        assert many.one.posted() == ["For one."]
    assert installed_in(many) == ["slack:T1", "slack:T2"]


async def test_nothing_of_one_workspace_is_known_in_another(many: ManyWorlds) -> None:
    """What a member told in one workspace is shown there, on Home too, and neither shown nor used in the other."""
    learns(many.claude, ("set", "location", "Lisbon", "I live in Lisbon"))
    async with many.running(persona_consent="on"):
        for world in (many.one, many.two):
            await many.installs(world)
        await many.one.answered(await many.one.says("Ana", "I live in Lisbon"))
        many.pass_time(minutes=31)
        await many.core.learning.sweep()
        shown = [await world.command("Ana", "show") for world in (many.one, many.two)]
        homes = [await many.home(world, "Ana") for world in (many.one, many.two)]
        await many.two.answered(await many.two.says("Ana", "where do I live?"))
        in_two = answers(many.claude)[-1].text
        await many.one.answered(await many.one.says("Ana", "where do I live?"))

        assert ["Lisbon" in panel for panel in shown] == [True, False]
        assert ["Lisbon" in home for home in homes] == [True, False]
        assert "Lisbon" not in in_two
        assert "Lisbon" in answers(many.claude)[-1].text


async def test_buttons_answer_in_the_workspace_they_stand_in(many: ManyWorlds) -> None:
    """A notice is asked and answered in its own workspace; deciding in one decides nothing in another."""
    async with many.running():
        for world in (many.one, many.two):
            await many.installs(world)
            await world.answered(await world.says("Ana", "hello"))
        await many.two.press("Ana", CONSENT_YES)

        assert [len(world.notices("Ana")) for world in (many.one, many.two)] == [1, 1]
        with closing(sqlite3.connect(many.database)) as connection:
            decided = dict(connection.execute("SELECT tenant, consent FROM member WHERE id = 'U1'"))
        assert decided == {"slack:T1": "asked", "slack:T2": "on"}


async def test_an_uninstall_leaves_the_others_alone(many: ManyWorlds) -> None:
    """Where Rapport is removed its token is destroyed and everything rests; next door it goes on, and keeps all."""
    async with many.running(persona_consent="on"):
        for world in (many.one, many.two):
            await many.installs(world)
            await world.answered(await world.says("Ana", "I like it"))
        await many.one.twin.uninstalls()
        await many.one.twin.settled()

        assert (state_of(many.one, "slack:T1"), state_of(many.one, "slack:T2")) == ("gone", "here")
        assert installed_in(many) == ["slack:T2"]
        many.pass_time(minutes=HOURS_72)
        await many.core.departures.sweep()
        assert held(many.one, "slack:T1") == []
        assert {"installation", "message"} <= set(held(many.one, "slack:T2"))
        assert len(await many.two.answered(await many.two.says("Ana", "still there?"))) > 0


async def test_an_uninstall_while_we_were_down_is_found_out(over_http: ManyWorlds) -> None:
    """A start asks each workspace whether we are still there; the one that removed us meanwhile rests."""
    async with over_http.running():
        for world in (over_http.one, over_http.two):
            await over_http.installs(world)
    await over_http.one.twin.uninstalls(tells=[])
    async with over_http.running():
        await until(lambda: installed_in(over_http) == ["slack:T2"])

        assert (state_of(over_http.one, "slack:T1"), state_of(over_http.one, "slack:T2")) == ("gone", "here")


async def test_a_token_that_is_revoked_unheard_is_found_out_at_its_first_use(over_http: ManyWorlds) -> None:
    """When Slack refuses a token as revoked, that workspace is gone, with its tokens; nobody else is touched."""
    async with over_http.running(persona_consent="on"):
        for world in (over_http.one, over_http.two):
            await over_http.installs(world)
        over_http.claude.script("Never shown.")
        await over_http.two.says("Ana", "hello")
        over_http.two.twin.revoke()
        await until(lambda: installed_in(over_http) == ["slack:T1"])

        assert (state_of(over_http.one, "slack:T1"), state_of(over_http.one, "slack:T2")) == ("here", "gone")


async def test_installing_again_asks_again(over_http: ManyWorlds) -> None:
    """Who installs Rapport again within 72 hours finds it as it was, and members are asked again, there alone."""
    async with over_http.running():
        for world in (over_http.one, over_http.two):
            await over_http.installs(world)
            await world.answered(await world.says("Ana", "hello"))
            await world.press("Ana", CONSENT_YES)
        await over_http.one.twin.uninstalls()
        await over_http.one.twin.settled()
        page = await over_http.installs(over_http.one)
        for world in (over_http.one, over_http.two):
            await world.answered(await world.says("Ana", "hello again"))

        assert "asked again" in page.text
        assert [len(world.notices("Ana")) for world in (over_http.one, over_http.two)] == [2, 1]
        assert state_of(over_http.one, "slack:T1") == "here"


async def test_a_late_event_of_an_earlier_removal_removes_nothing(over_http: ManyWorlds) -> None:
    """When Slack delivers once more that we were removed, after we were installed again, we stay."""
    async with over_http.running():
        await over_http.installs(over_http.one)
        await over_http.one.twin.uninstalls()
        await over_http.one.twin.settled()
        removals = [event.id for event in over_http.one.twin.events]
        over_http.pass_time(minutes=5)
        await over_http.installs(over_http.one)
        for event in removals:
            await over_http.one.twin.redelivers(event)
        await over_http.one.twin.settled()

        assert installed_in(over_http) == ["slack:T1"]
        assert state_of(over_http.one, "slack:T1") == "here"


async def test_what_happens_where_we_are_not_installed_is_not_kept(over_http: ManyWorlds) -> None:
    """An event from a workspace without an installation is acknowledged, and nothing of it is stored."""
    async with over_http.running():
        await over_http.installs(over_http.one)
        over_http.two.twin._revoked = False
        await over_http.two.says("Ana", "hello")
        await over_http.two.twin.settled()

        assert {event.acks for event in over_http.two.twin.events} == {1}
        assert [table for table in held(over_http.one, "slack:T2") if table in KEYS] == []


async def test_a_shared_channel_brings_events_of_others(over_http: ManyWorlds) -> None:
    """A mention in a channel that another organisation shares with a workspace of ours is answered by that one."""
    twin = over_http.one.twin
    async with over_http.running():
        await over_http.installs(over_http.one)
        twin.member("U7", "Zoe", team="T9")
        twin.channel("E1", "shared", members=["U7"], external=True)
        ts = await twin.says("U7", "E1", "<@U0BOT> hello", emits=[])
        mention = {"type": "app_mention", "user": "U7", "user_team": "T9", "text": "<@U0BOT> hello", "ts": ts}
        await twin.send_event(mention | {"channel": "E1"}, team_id="T9")
        await twin.wait_for(lambda: [message for message in twin.messages("E1", ts) if message.bot_id])
        await over_http.core.lanes.drained()

        assert {"inbox", "message", "conversation"} <= set(held(over_http.one, "slack:T1"))
        assert state_of(over_http.one, "slack:T9") is None


@pytest.mark.slow
async def test_workspaces_are_kept_in_postgresql_too(over_http: ManyWorlds, postgres_url: str) -> None:
    """With PostgreSQL a workspace installs, is answered, and takes its token along, as with a file."""
    database = {"database_url": postgres_url, "persona_key": base64.urlsafe_b64encode(bytes(32)).decode()}
    async with over_http.running(**database):
        for world in (over_http.one, over_http.two):
            await over_http.installs(world)
        await over_http.one.twin.uninstalls()
        await over_http.one.twin.settled()
    async with over_http.running(**database) as again:
        post = await over_http.two.says("Ana", "hello")
        await over_http.two.answered(post)
        rows = await again.core.store.read(lambda transaction: transaction.fetch("SELECT * FROM installation"))

    assert [row["tenant"] for row in rows] == ["slack:T2"]
    assert over_http.two.twin.bot_token not in str([tuple(row) for row in rows])


@pytest.mark.slow
async def test_a_process_comes_back_to_its_workspaces(over_http: ManyWorlds, tmp_path: Path) -> None:
    """As a process, by its environment: installed, stopped and started anew, it answers where it was installed."""
    async with python("-m", "bot", folder=tmp_path, environment=over_http.environment()) as first:
        await first.logged("bot.ready")
        assert (await over_http.installs(over_http.two)).status == 200
        first.stop()
        assert await first.ended() == 0
    async with python("-m", "bot", folder=tmp_path, environment=over_http.environment()) as second:
        await second.logged("bot.ready")
        post = await over_http.two.says("Ana", "hello")
        await over_http.two.twin.wait_for(lambda: over_http.two.replies(post), timeout_s=30)
        await second.logged("message.settled")

    secrets = ["client-sesame", "sesame", *over_http.two.twin.ends]
    assert [one for one in secrets if one in first.log + second.log] == []
    assert found(tmp_path, secrets) == {}
