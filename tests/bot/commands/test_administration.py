"""`/persona-admin`: who may, what each verb shows and does, and that none tells what a member told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands import administration
from bot.commands.administration import NOWHERE, REFUSED
from bot.messages import Member, TenantId
from bot.views import View
from tests.bot.commands.members import ANA, BEN, NAMESAKE, everything, texts
from tests.bot.desk import DISCORD_ANA, TENANT, room
from tests.bot.hall import BOSS, Dear, Hall
from tests.bot.talk import proposes
from tests.clock import StillClock

VERBS = tuple(administration.COMMANDS)
CANARY = "Reykjavik"
CROWD = tuple(Member(tenant=TENANT, id=f"M{number}", name=f"Member {number}") for number in range(12))


@pytest.fixture
async def hall(database: Path, clock: StillClock) -> AsyncIterator[Hall]:
    async with Hall.opened(database, clock, Dear()) as hall:
        yield hall


async def tells(hall: Hall, *who: Member) -> None:
    """Let members say where they live, and learn it."""
    for member in who:
        await hall.says(member, f"I live in {CANARY}", room("C1", thread=member.id))
        proposal = proposes(("set", "location", CANARY, "m1", f"I live in {CANARY}"))
        assert (await hall.learns(proposal)).operations == 1


# -- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [*VERBS, "", "dance"])
async def test_who_is_no_admin_gets_a_sentence(hall: Hall, verb: str) -> None:
    """Whatever a member types, nothing is done or shown, and they hear how one becomes an admin."""
    shown = await hall.core.commands.administer(verb, ANA, room=room())

    assert shown == REFUSED
    assert "ADMIN_USER_IDS" in shown.text
    assert await hall.acts() == []


async def test_who_is_named_is_an_admin(hall: Hall) -> None:
    """An id in the settings is enough, whatever the platform says."""
    assert (await hall.rules("status")).sections


async def test_the_same_id_elsewhere_is_somebody_else(hall: Hall) -> None:
    """A guest from another workspace who has the admin's id is not the admin, nor is the id on another platform."""
    outsider = replace(BOSS, tenant=TenantId("slack:T2"))
    on_discord = Member(tenant=DISCORD_ANA.tenant, id=BOSS.id)

    assert await hall.core.commands.administer("status", outsider, room=room()) == REFUSED
    assert await hall.core.commands.administer("status", on_discord, room=room(tenant="discord:7")) == REFUSED


async def test_whom_the_platform_calls_an_admin_is_one(hall: Hall) -> None:
    """The platform is asked each time, so who is no admin any more is refused."""
    answers = [True, False]

    async def says() -> bool:
        return answers.pop(0)

    first, second = [await hall.core.commands.administer("status", ANA, room=room(), is_admin=says) for _ in range(2)]

    assert first.sections
    assert second == REFUSED


async def test_the_platform_is_not_asked_for_nothing(hall: Hall) -> None:
    """A member's own button costs no question, and it works for admins like for everybody."""

    async def never() -> bool:
        raise AssertionError("asked")

    shown = await hall.core.commands.press("show::1", ANA, room=room(), is_admin=never)

    assert shown.text


@pytest.mark.parametrize("tenant", ["discord:direct", "discord:accounts", None])
async def test_where_there_is_no_tenant_there_is_nothing_to_rule(hall: Hall, tenant: str | None) -> None:
    """In a direct message on Discord, or where the platform says no place, an admin is told to use a channel."""
    where = None if tenant is None else room(tenant=tenant)

    assert await hall.core.commands.administer("status", BOSS, room=where) == NOWHERE


async def test_help_names_every_verb(hall: Hall) -> None:
    """Without words, and with words that are no verb, the list of verbs is shown."""
    shown = [await hall.rules(words) for words in ("", "help", "dance")]

    assert shown[0] == shown[1]
    assert (shown[2].text, shown[2].sections) == ("There is no command “dance” for admins.", shown[0].sections)
    assert texts(shown[0]) == [f"/persona-admin {command.usage}" for command in administration.COMMANDS.values()]


async def test_buttons_of_another_version_do_nothing(hall: Hall) -> None:
    """A button that no verb answers to says so, to an admin; anybody else is refused."""
    assert "older version" in (await hall.presses("admin:gone:1")).text
    assert await hall.presses("admin:gone:1", ANA) == REFUSED


# -- what is shown ----------------------------------------------------------------------------------------------------


async def test_no_verb_shows_what_members_told(hall: Hall) -> None:
    """Nothing an admin can type shows a value, a field, a quote, or the name or id of a member."""
    await tells(hall, ANA, BEN, *CROWD[:4])
    for command in administration.COMMANDS.values():
        shown = f"{await hall.rules(command.name)} {await hall.rules(f'{command.name} of somebody')}"
        hidden = (CANARY, "location", "I live in", *(f"'{who.id}'" for who in (ANA, *CROWD)), ANA.name, "Member 1")

        assert [word for word in hidden if word in shown] == []


TELLING = ("fewer than 5", "or more", "Last learned", "learning:", "withdrawn", "set:")
"""What stands in a view only if it counts what members did."""


async def test_a_small_group_has_no_counts(hall: Hall) -> None:
    """With four members who asked something no view says how many agreed, how much is known, or was learned."""
    views = [await shown(hall)]
    await hall.decides(ANA, "on")
    await tells(hall, ANA)
    await hall.decides(BEN, "withdrawn")
    for who in (ANA, BEN, *CROWD[:2]):
        await hall.says(who, "Hello")
    views.append(await shown(hall))

    for now in views:
        assert "Fewer than five members" in now
        assert not any(word in now for word in TELLING)


async def shown(hall: Hall) -> str:
    """All that can be read in the views with counts."""
    return "\n".join([everything(await hall.rules(verb)) for verb in ("status", "budgets", "audit")])


async def test_counts_go_in_steps(hall: Hall) -> None:
    """Among enough members, a count is the multiple of five below it, and one below five is only called so."""
    for who in CROWD:
        await hall.says(who, "Hello")
    for who in CROWD[:7]:
        await hall.decides(who, "on")
    await hall.decides(CROWD[7], "withdrawn")
    seen = texts(await hall.rules("status"))

    assert "5 or more agreed" in seen
    assert "fewer than 5 said no" in seen
    assert "fewer than 5 decided nothing and were not asked" in seen


async def test_status_says_what_runs(hall: Hall) -> None:
    """The platforms that are connected, the models that are asked, and what waits to be learned."""
    await hall.says(ANA, "Hello")
    seen = everything(await hall.rules("status"))

    assert "Connected: discord, slack" in seen
    assert "Answers by claude-sonnet-5-5" in seen
    assert "1 conversation waiting; 0 failed" in seen
    assert "$0.05" in seen


async def test_status_says_that_learning_fails(hall: Hall) -> None:
    """A session that failed is counted, and when something was learned last is said."""
    for who in CROWD[:5]:
        await hall.says(who, "Hello")
    hall.model.updates.append("no JSON")
    await hall.learns()
    seen = everything(await hall.rules("status"))

    assert "5 failed and tried again" in seen or "1 failed and tried again" in seen
    assert "the log says why" in seen
    assert "Last learned from" in seen


async def test_another_tenant_counts_for_itself(hall: Hall) -> None:
    """What is shown in one workspace has nothing of another."""
    for who in CROWD[:6]:
        await hall.says(who, "Hello")
    other = Member(tenant=NAMESAKE.tenant, id=BOSS.id)
    seen = await hall.core.commands.administer("status", other, room=room(tenant=NAMESAKE.tenant))

    assert "Fewer than five members" in everything(seen)
    assert "0 conversations waiting" in everything(seen)
    assert "$0.00" in everything(seen)


async def test_audit_counts_and_verifies(hall: Hall) -> None:
    """An admin sees how often what was done, their own acts exactly, and that the log holds."""
    for who in CROWD[:6]:
        await hall.says(who, "Hello")
        await hall.decides(who, "on")
    await hall.rules("pause")
    hall.clock.advance(hours=24 * 8)
    await hall.rules("resume")
    seen = await hall.rules("audit")

    assert "verifies" in seen.text
    assert "pause:all: 1 0 in the last 7" in everything(seen)
    assert "resume:all: 1 1 in the last 7" in everything(seen)
    assert "consent:on: 5 or more fewer than 5 in the last 7" in everything(seen)


async def test_audit_says_where_it_breaks(hall: Hall) -> None:
    """A row that somebody changed is found."""
    await hall.rules("pause")
    await hall.store.write(lambda transaction: transaction.execute("UPDATE audit SET action = 'forget'"))

    assert "does not verify: at row 1 a row was changed" in (await hall.rules("audit")).text


# -- the audit log ----------------------------------------------------------------------------------------------------

ACTS = {
    "consent off": "default:off",
    "consent ask": "default:ask",
    "consent on": "default:on",
    "pause": "pause:all",
    "resume": "resume:all",
    "budget 50": "budget:set",
    "budget none": "budget:none",
}


@pytest.mark.parametrize("words", ACTS)
async def test_every_decision_leaves_a_row(hall: Hall, words: str) -> None:
    """Whatever an admin decides stands in the audit log, as done by an admin, and the chain holds."""
    await hall.rules(words)

    assert await hall.acts() == [("admin", ACTS[words])]
    assert "verifies" in (await hall.rules("audit")).text


@pytest.mark.parametrize(
    "words", ["consent", "consent maybe", "budget", "budget lots", "budget -1", "budgets", "status"]
)
async def test_looking_leaves_none(hall: Hall, words: str) -> None:
    """What changes nothing is no act; words that are none get a sentence with what would do."""
    shown: View = await hall.rules(words)

    assert shown.text
    assert await hall.acts() == []


@pytest.mark.parametrize("words", ["lots", "-1", "0", "", "1e9", "12.345", "9999999"])
async def test_a_budget_that_is_none(hall: Hall, words: str) -> None:
    """An amount that cannot be read is not guessed."""
    shown = await hall.rules(f"budget {words}")

    assert "write US dollars, such as 50 or 7.50" in shown.text
