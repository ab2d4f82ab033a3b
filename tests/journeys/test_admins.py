"""Admins at work, through the real SDKs: who may, who may not, and a purge whose button only one person can use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.commands.administration import REFUSED
from tests.journeys.worlds import DiscordWorld, Name, SlackWorld, learns
from tests.twins.anthropic import Reply
from tests.twins.discord import Message as Panel
from tests.twins.discord.drafts import walk
from tests.twins.discord.model import NO_PERMISSION, Permission
from tests.twins.slack.workspace import Message

MOVED = ("set", "location", "Lisbon", "I moved to Lisbon")
TOLD = "Remember that I moved to Lisbon"
REFUSAL = REFUSED.text[:40]


# -- Slack ------------------------------------------------------------------------------------------------------------


async def typed(world: SlackWorld, who: Name, words: str) -> Message:
    """What a member is shown who types something after `/persona-admin`; nobody else sees it."""
    user = {"Ana": "U1", "Bo": "U2"}[who]
    outcome = await world.twin.command(user, "C1", "/persona-admin", words)
    assert outcome.error is None
    await world.twin.wait_for(lambda: outcome.seen)
    shown = outcome.seen[-1]
    assert shown.only_for == user
    return shown


def erase(shown: Message) -> str:
    """The button that does it."""
    elements = [element for block in shown.blocks for element in block.get("elements", ())]
    (found,) = [element["action_id"] for element in elements if "action_id" in element]
    return str(found)


async def pressed(world: SlackWorld, user: str, shown: Message) -> str:
    outcome = await world.twin.press(user, shown, erase(shown))
    assert outcome.error is None
    await world.twin.wait_for(lambda: outcome.seen)
    return outcome.seen[-1].visible


@pytest.mark.parametrize("role", ["is_admin", "is_owner"])
async def test_admins_and_owners_of_the_workspace_may(slack: SlackWorld, role: str) -> None:
    """Who runs the workspace sees how it is, alone, and decides; everybody else gets a sentence."""
    slack.twin.member("U1", "Ana", **{role: True})
    async with slack.running():
        assert "Connected: slack" in (await typed(slack, "Ana", "status")).visible
        assert "Remembering is off here" in (await typed(slack, "Ana", "consent off")).visible

        assert REFUSAL in (await typed(slack, "Bo", "status")).visible
        assert REFUSAL in (await typed(slack, "Bo", "consent on")).visible


@pytest.mark.parametrize(
    "more", [{"guest": "single"}, {"deleted": True}, {"team": "T2"}], ids=["a guest", "deactivated", "from outside"]
)
async def test_who_runs_another_workspace_may_not(slack: SlackWorld, more: dict[str, object]) -> None:
    """Guests and outsiders run nothing here, whatever they are at home."""
    slack.twin.member("U1", "Ana", is_admin=True, is_owner=True, **more)
    async with slack.running():
        assert REFUSAL in (await typed(slack, "Ana", "status")).visible


async def test_whom_the_settings_name_may(slack: SlackWorld) -> None:
    """An id in ADMIN_USER_IDS is enough, also where Slack does not answer."""
    slack.twin.scopes = set(slack.twin.scopes) - {"users:read"}
    async with slack.running(admin_user_ids="slack:U2"):
        assert "Connected: slack" in (await typed(slack, "Bo", "status")).visible
        assert REFUSAL in (await typed(slack, "Ana", "status")).visible


async def test_a_purge_on_slack(slack: SlackWorld) -> None:
    """What was learned in the workspace is gone after the button, which only that admin can press, and in time."""
    slack.twin.member("U1", "Ana", is_admin=True)
    learns(slack.claude, MOVED)
    async with slack.running(persona_consent="on"):
        await slack.answered(await slack.says("Bo", TOLD))
        shown = await typed(slack, "Ana", "purge")

        assert REFUSAL in await pressed(slack, "U2", replace(shown, only_for="U2"))
        await slack.twin.changes_member("U2", is_admin=True)
        assert "shown to somebody else" in await pressed(slack, "U2", replace(shown, only_for="U2"))
        slack.pass_time(minutes=6)
        assert "older than five minutes" in await pressed(slack, "U1", shown)
        assert "Lisbon" in await slack.command("Bo", "show")
        again = await typed(slack, "Ana", "purge")
        assert "It is gone" in await pressed(slack, "U1", again)
        assert "Lisbon" not in await slack.command("Bo", "show")


async def test_an_admin_who_is_none_any_more(slack: SlackWorld) -> None:
    """Slack is asked again when the button is pressed."""
    slack.twin.member("U1", "Ana", is_admin=True)
    async with slack.running():
        shown = await typed(slack, "Ana", "purge")
        await slack.twin.changes_member("U1", is_admin=False)

        assert REFUSAL in await pressed(slack, "U1", shown)


async def test_a_budget_on_slack(slack: SlackWorld) -> None:
    """Once the budget is used up a member reads when it goes on, and no model is asked."""
    slack.twin.member("U1", "Ana", is_admin=True)
    async with slack.running():
        await typed(slack, "Ana", "budget 0.01")
        slack.claude.default = Reply(text="An answer.", usage={"input_tokens": 10_000})
        assert "An answer." in await slack.answered(await slack.says("Bo", "Hello?"))
        asked = len(slack.claude.requests)

        assert "used up here" in await slack.answered(await slack.says("Bo", "And now?"))
        assert len(slack.claude.requests) == asked
        await typed(slack, "Ana", "budget none")
        assert "An answer." in await slack.answered(await slack.says("Bo", "And now?"))


# -- Discord ----------------------------------------------------------------------------------------------------------


def manager(world: DiscordWorld) -> str:
    """Let Ana have a role that manages the server; its id."""
    role = world.twin.role(world.guild, "mods", permissions=Permission.MANAGE_GUILD)
    world.twin.server.join(world.twin.server.user("Ana").id, world.guild, roles=[role])
    return role


async def ruled(world: DiscordWorld, verb: str, **options: str) -> Panel:
    """What Ana is shown of a verb of `/persona-admin`, alone."""
    shown = await world.twin.command("Ana", "team", f"persona-admin {verb}", options=options)
    assert shown.ephemeral
    await world.twin.wait_for(lambda: shown.embeds)
    assert shown.message is not None
    return shown.message


def text(panel: Panel) -> str:
    return str(panel.embeds[0]).replace("\\", "")


async def presses(world: DiscordWorld, who: Name, panel: Panel) -> str:
    (action,) = [str(node["custom_id"]) for _, node in walk(panel.components) if "custom_id" in node]
    await world.twin.press(who, panel, action)
    now = await world.twin.wait_for(
        lambda: (found := world.twin.message(panel)) and found.embeds != panel.embeds and found
    )
    assert isinstance(now, Panel)
    return text(now)


async def test_who_manages_the_server_may(discord: DiscordWorld) -> None:
    """The command is there for those who manage the server, shows them alone how it is, and takes their decisions."""
    manager(discord)
    async with discord.running():
        assert "Connected: discord" in text(await ruled(discord, "status"))
        assert "Remembering is off here" in text(await ruled(discord, "consent", choice="off"))
        assert "$20.00 a month" in text(await ruled(discord, "budget", amount="20"))
        with pytest.raises(AssertionError, match="may not use"):
            await discord.twin.command("Bo", "team", "persona-admin status")


async def test_a_purge_on_discord(discord: DiscordWorld) -> None:
    """What was learned on the server is gone after the button, pressed in time by who manages it still."""
    role = manager(discord)
    learns(discord.claude, MOVED)
    async with discord.running(persona_consent="on"):
        await discord.answered(await discord.says("Bo", TOLD))
        shown = await ruled(discord, "purge")
        discord.pass_time(minutes=6)
        assert "older than five minutes" in await presses(discord, "Ana", shown)
        second = await ruled(discord, "purge")
        await discord.twin.alters_role(role, permissions=NO_PERMISSION)
        assert REFUSAL in await presses(discord, "Ana", second)
        assert "Lisbon" in await discord.command("Bo", "show")
        await discord.twin.alters_role(role, permissions=Permission.MANAGE_GUILD)
        assert "It is gone" in await presses(discord, "Ana", await ruled(discord, "purge"))

        assert "Lisbon" not in await discord.command("Bo", "show")
