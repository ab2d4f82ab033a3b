"""Commands, picks, presses and forms through the real discord.py: answered once, privately, and without raising."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import discord
import pytest

from adapters.discord import attach, interactions, translate
from bot import errors
from bot.commands import registry
from bot.commands.command import OUTDATED
from bot.core import Core
from bot.messages import Room, TenantId
from bot.views import Button, File, View
from tests.adapters.discord.clients import Client, running
from tests.adapters.discord.desk import Desk, desk
from tests.adapters.discord.hosts import Tree, core, hosted
from tests.twins.discord import DiscordTwin, Interaction, Message
from tests.twins.server import Fault

__all__ = ["core", "desk"]

PICK = "rapport:*0"
SECRET = "the purple elephant"


@pytest.fixture
async def host(desk: Desk, core: Core) -> AsyncIterator[Tree]:
    async with hosted(core) as tree:
        yield tree


async def panel(twin: DiscordTwin, who: str = "Ana", where: str = "team") -> Message:
    """The panel of a verb, as that member sees it."""
    shown = await twin.command(who, where, "persona note", options={"field": "tools"})
    await twin.wait_for(lambda: shown.embeds)
    assert shown.message is not None
    return shown.message


def said(shown: Message | Interaction | None) -> str:
    return str(shown.embeds[0]["description"]) if shown is not None and shown.embeds else ""


async def until(twin: DiscordTwin, shown: Message, words: str) -> Message:
    """What a message is once it shows these words."""
    await twin.wait_for(lambda: words in said(twin.message(shown)))
    now = twin.message(shown)
    assert now is not None
    return now


def logged(caplog: pytest.LogCaptureFixture, event: str) -> list[str]:
    """What was logged of an event, by us; nothing that was logged holds what a member wrote."""
    lines = [str(record.msg) + record.getMessage() for record in caplog.records]
    assert not any("elephant" in line or "Traceback" in line for line in lines)
    assert not any(record.exc_info for record in caplog.records if record.levelno >= logging.WARNING)
    return [line for line in lines if event in line]


async def happened(found: Callable[[], object]) -> None:
    """Wait for something of ours that Discord does not hear of."""
    async with asyncio.timeout(5):
        while not found():  # noqa: ASYNC110 - nobody sets an event when we log or are called
            await asyncio.sleep(0)


# -- panels -----------------------------------------------------------------------------------------------------------


async def test_a_typed_verb_opens_a_panel(twin: DiscordTwin, host: Tree) -> None:
    """What a verb shows is for its member alone: its text, the lines to pick from, the buttons."""
    shown = await panel(twin)
    select, buttons = shown.components

    assert shown.viewer == twin.server.user("Ana").id
    assert twin.messages("team") == []
    assert [option["value"] for option in select["components"][0]["options"]] == [f"note:open {n}" for n in range(3)]
    assert [button["label"] for button in buttons["components"]] == ["New note", "Drop all"]


async def test_a_pick_is_a_press(twin: DiscordTwin, host: Tree) -> None:
    """Picking a line does what it opens, in the same panel."""
    shown = await panel(twin)
    await twin.selects("Ana", shown, PICK, ["note:open 1"])
    now = await until(twin, shown, "Pressed open 1.")

    assert twin.ephemerals("Ana") == [now]
    assert [row["components"][0]["type"] for row in now.components] == [2]


async def test_a_press_changes_the_panel(twin: DiscordTwin, host: Tree) -> None:
    """Pressing a button shows what came of it in the same panel."""
    shown = await panel(twin)
    await twin.press("Ana", shown, "rapport:note:drop")

    assert [await until(twin, shown, "Pressed drop.")] == twin.ephemerals("Ana")


async def test_a_panel_outlives_a_restart(twin: DiscordTwin, desk: Desk, core: Core) -> None:
    """Nothing of a panel is kept in memory: what was shown before a restart works after it, forms included."""
    async with hosted(core):
        shown = await panel(twin)
        form = await twin.press("Ana", shown, "rapport:form:note:new")
    async with hosted(core):
        await twin.selects("Ana", shown, PICK, ["note:open 2"])
        await until(twin, shown, "Pressed open 2.")
        await twin.submits_modal("Ana", form, {"words": "tea"})
        await until(twin, shown, "Noted: tea.")


async def test_a_stale_button_gets_an_honest_sentence(
    twin: DiscordTwin, host: Tree, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no verb answers to any more says so, whether it was pressed, picked, opened or filled in."""
    shown = [await panel(twin) for _ in range(4)]
    form = await twin.press("Ana", shown[3], "rapport:form:note:new")
    monkeypatch.delitem(registry._BY_NAME, "note")
    await twin.press("Ana", shown[0], "rapport:note:drop")
    await twin.selects("Ana", shown[1], PICK, ["note:open 1"])
    await twin.press("Ana", shown[2], "rapport:form:note:new")
    await twin.submits_modal("Ana", form, {"words": "tea"})

    for one in shown:
        await until(twin, one, OUTDATED.text.partition("`")[0])


async def test_what_is_not_ours_is_left_alone(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """A button of the host's, and one whose name only begins like a verb, are the host's."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Vote", custom_id="note:drop"))
    channel = host.client.get_partial_messageable(int(twin.server.room("team").id))
    await channel.send("Vote!", view=view)
    twin.interactions.timeout_s = 0.05
    pressed = await twin.press("Ana", twin.messages("team")[0], "note:drop")

    assert pressed.failed
    assert desk.asked == []


# -- who --------------------------------------------------------------------------------------------------------------


async def test_a_press_by_somebody_else_is_theirs(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """A button that stands where others see it answers whoever presses it, alone, and stays as it was for everybody."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Drop", custom_id="rapport:note:drop"))
    await host.client.get_partial_messageable(int(twin.server.room("team").id)).send("For Ana", view=view)
    (shown,) = twin.messages("team")
    pressed = await twin.press("Ben", shown, "rapport:note:drop")
    await twin.wait_for(lambda: said(pressed))

    assert pressed.ephemeral
    assert said(pressed) == "Pressed drop."
    assert twin.messages("team") == [shown]
    assert [asked.member.id for asked in desk.asked] == [twin.server.user("Ben").id]


async def test_a_notice_in_a_direct_message_is_changed(twin: DiscordTwin, host: Tree, core: Core) -> None:
    """In a direct message nobody else reads, the notice itself shows what came of a press."""
    ana = translate.member(await host.client.fetch_user(int(twin.server.user("Ana").id)))
    where = Room(tenant=translate.DIRECT, channel=twin.dm("Ana"), kind="direct")
    await core.adapters["discord"].notify(where, ana, View(text="Well?", buttons=Desk().buttons))
    (notice,) = twin.messages(twin.dm("Ana"))
    await twin.press("Ana", notice, "rapport:note:drop")

    assert [await until(twin, notice, "Pressed drop.")] == twin.messages(twin.dm("Ana"))
    assert twin.ephemerals("Ana") == []


# -- where ------------------------------------------------------------------------------------------------------------


async def asked_in(twin: DiscordTwin, desk: Desk, where: str) -> Room | None:
    """The room a verb is told when Ana uses it there."""
    await panel(twin, where=where)
    return desk.asked[-1].room


async def test_a_verb_knows_its_room(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """A verb is told where it was asked, typed, picked and filled in alike: channel, thread or direct message."""
    guild = next(iter(twin.server.guilds))
    thread = twin.channel(guild, "plan", kind="thread", parent="team")
    team, tenant = twin.server.room("team").id, TenantId(f"discord:{guild}")

    assert await asked_in(twin, desk, "team") == Room(tenant=tenant, channel=team, kind="public")
    assert await asked_in(twin, desk, "plan") == Room(tenant=tenant, channel=team, thread=thread, kind="public")
    assert await asked_in(twin, desk, "board") == Room(
        tenant=tenant, channel=twin.server.room("board").id, kind="private"
    )
    direct = twin.dm("Ana")
    assert await asked_in(twin, desk, direct) == Room(tenant=translate.DIRECT, channel=direct, kind="direct")

    shown = await panel(twin)
    form = await twin.press("Ana", shown, "rapport:form:note:new")
    await twin.submits_modal("Ana", form, {"words": "tea"})
    await until(twin, shown, "Noted")
    assert {asked.room for asked in desk.asked[-3:]} == {Room(tenant=tenant, channel=team, kind="public")}


async def test_a_verb_may_not_know_its_room(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """Where Discord does not say which room it is, a verb is told none, and the answer is the member's alone."""
    twin.interactions.say_where = False

    assert await asked_in(twin, desk, "team") is None
    assert twin.messages("team") == []


@pytest.mark.parametrize("others", [["Ben"], ["Ben", "Cy"]], ids=["their direct message", "a group message"])
async def test_a_private_message_of_others_is_no_direct_message(
    twin: DiscordTwin, host: Tree, desk: Desk, others: list[str]
) -> None:
    """Where a member brought us without the others' knowing, outsiders read: it is external, never direct."""
    twin.member("Cy")
    channel = twin.elsewhere("Ana", *others)
    where = Room(tenant=translate.ELSEWHERE, channel=channel, kind="external")
    assert await asked_in(twin, desk, channel) == where

    shown = twin.ephemerals("Ana")[-1]
    await twin.press("Ana", shown, "rapport:note:drop")
    await until(twin, shown, "Pressed drop.")
    assert desk.asked[-1].room == where


async def test_a_server_that_has_not_got_us_is_external(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """In a server to which only the member brought us, nobody can tell who reads."""
    guild = next(iter(twin.server.guilds))
    await twin.bot_leaves(guild)
    where = await asked_in(twin, desk, "team")

    assert where == Room(tenant=TenantId(f"discord:{guild}"), channel=twin.server.room("team").id, kind="external")


# -- forms ------------------------------------------------------------------------------------------------------------


async def test_a_form_is_filled_in(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """A button that asks for a form is answered by it at once; what is filled in changes the panel."""
    shown = await panel(twin)
    form = await twin.press("Ana", shown, "rapport:form:note:new")
    assert form.modal is not None
    assert form.modal["title"] == "A new note"
    await twin.submits_modal("Ana", form, {"words": "I like tea", "tone": ["dry"]})

    assert [await until(twin, shown, "Noted: I like tea.")] == twin.ephemerals("Ana")
    assert desk.answers == [{"words": "I like tea", "tone": "dry"}]


async def test_a_line_can_open_a_form(
    twin: DiscordTwin, host: Tree, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is picked may ask for a form just as a button does."""
    shown = await panel(twin)
    row = shown.components[0]["components"][0]
    row["options"][0]["value"] = "form:note:new"
    form = await twin.selects("Ana", shown, PICK, ["form:note:new"])

    assert form.modal is not None


async def test_where_there_is_no_form_the_panel_says_why(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """A verb that has no form to show gives a view instead, which is shown in the panel."""
    desk.opened = View(text="That note is gone.")
    shown = await panel(twin)
    await twin.press("Ana", shown, "rapport:form:note:new")

    assert [await until(twin, shown, "That note is gone.")] == twin.ephemerals("Ana")


async def test_a_form_that_takes_too_long_is_not_waited_for(
    twin: DiscordTwin, host: Tree, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Discord waits three seconds: when the notes are slower, the member hears that, and nothing stays open."""
    assert interactions.FORM_WAIT_S < 3
    monkeypatch.setattr(interactions, "FORM_WAIT_S", 0.01)
    shown = await panel(twin)
    desk.go_on.clear()
    pressed = await twin.press("Ana", shown, "rapport:form:note:new")
    await until(twin, shown, "too long")

    assert pressed.modal is None
    assert logged(caplog, "form.late")


async def test_a_form_sent_twice_is_taken_twice(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """Who sends the same form again, as on a second device, is answered again, and nothing breaks."""
    shown = await panel(twin)
    form = await twin.press("Ana", shown, "rapport:form:note:new")
    await twin.submits_modal("Ana", form, {"words": "one"})
    await until(twin, shown, "Noted: one.")
    await twin.submits_modal("Ana", form, {"words": "two"})
    await until(twin, shown, "Noted: two.")

    assert [answers["words"] for answers in desk.answers] == ["one", "two"]


async def test_a_form_whose_panel_is_gone_is_answered_anew(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """What is filled in after the panel was dismissed is taken, and shown in a message of its own."""
    shown = await panel(twin)
    form = await twin.press("Ana", shown, "rapport:form:note:new")
    await twin.deletes(shown)
    sent = await twin.submits_modal("Ana", form, {"words": "tea"})
    await twin.wait_for(lambda: sent.followups)

    assert [(said(message), message.viewer) for message in sent.followups] == [
        ("Noted: tea.", twin.server.user("Ana").id)
    ]


# -- files ------------------------------------------------------------------------------------------------------------


async def test_files_are_attached(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """The files of a view come with the answer, typed and pressed, and go when the panel shows something else."""
    desk.files = (File(name="persona.json", text="{}"), File(name="persona.txt", text="nothing"))
    shown = await panel(twin)
    assert [file.filename for file in shown.attachments] == ["persona.json", "persona.txt"]
    assert [twin.server.files[file.id] for file in shown.attachments] == [b"{}", b"nothing"]

    desk.files = ()
    await twin.press("Ana", shown, "rapport:note:drop")
    assert (await until(twin, shown, "Pressed drop.")).attachments == ()


async def test_a_file_too_large_for_discord_is_named(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """A file that Discord does not take here costs the member the file, not the answer."""
    desk.files = (File(name="persona.json", text="x" * (10 * 2**20 + 1)),)
    shown = await panel(twin)

    assert shown.attachments == ()
    assert "persona.json" in said(shown)


async def test_a_notice_can_have_files(twin: DiscordTwin, host: Tree, core: Core) -> None:
    """What is sent in a direct message brings its files."""
    ana = translate.member(await host.client.fetch_user(int(twin.server.user("Ana").id)))
    where = Room(tenant=translate.DIRECT, channel=twin.dm("Ana"), kind="direct")
    await core.adapters["discord"].notify(where, ana, View(text="Here.", files=(File(name="a.txt", text="x"),)))

    assert [file.filename for file in twin.messages(twin.dm("Ana"))[0].attachments] == ["a.txt"]


# -- what goes wrong --------------------------------------------------------------------------------------------------


async def test_a_token_that_ran_out_raises_nothing(
    twin: DiscordTwin, host: Tree, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Fifteen minutes later nothing can be shown: that is logged, and the host hears nothing of it."""
    shown = await panel(twin)
    desk.go_on.clear()
    await twin.press("Ana", shown, "rapport:note:drop")
    await happened(lambda: len(desk.asked) == 2)
    twin.advance(901)
    desk.go_on.set()
    await happened(lambda: logged(caplog, "interaction.not_answered"))

    assert twin.message(shown) == shown
    assert "50027" in logged(caplog, "interaction.not_answered")[0]


@pytest.mark.parametrize("action", ["rapport:note:drop", "rapport:form:note:new"])
async def test_an_interaction_that_came_too_late_does_nothing(
    twin: DiscordTwin, host: Tree, desk: Desk, caplog: pytest.LogCaptureFixture, action: str
) -> None:
    """What Discord gave up on, and told the member that it failed, is not done after all."""
    shown = await panel(twin)
    go_on = asyncio.Event()
    twin.fault("POST", "/callback", Fault(hold=go_on))
    twin.interactions.timeout_s = 0.05
    pressed = await twin.press("Ana", shown, action)
    assert pressed.failed
    go_on.set()
    await happened(lambda: logged(caplog, "interaction.not_answered"))

    assert "10062" in logged(caplog, "interaction.not_answered")[0]
    assert "drop" not in [asked.words for asked in desk.asked]
    assert twin.message(shown) == shown


async def test_an_interaction_delivered_twice_is_done_once(
    twin: DiscordTwin, host: Tree, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that resumes may repeat an event: what was responded to already is not done again."""
    shown = await panel(twin)
    pressed = await twin.press("Ana", shown, "rapport:note:drop")
    await until(twin, shown, "Pressed drop.")
    await twin.repeats(pressed)
    await happened(lambda: logged(caplog, "interaction.not_answered"))

    assert "40060" in logged(caplog, "interaction.not_answered")[0]
    assert [asked.words for asked in desk.asked[1:]] == ["drop"]


async def test_a_panel_that_is_gone_is_begun_anew(twin: DiscordTwin, host: Tree, desk: Desk) -> None:
    """A member who dismissed the panel while something was done sees what came of it in another one."""
    shown = await panel(twin)
    desk.go_on.clear()
    pressed = await twin.press("Ana", shown, "rapport:note:drop")
    await twin.deletes(shown)
    desk.go_on.set()
    await twin.wait_for(lambda: pressed.followups)

    (anew,) = pressed.followups
    assert (said(anew), anew.viewer) == ("Pressed drop.", twin.server.user("Ana").id)


FAILURES = [errors.StoreBusyError(), ValueError(SECRET)]


@pytest.mark.parametrize("error", FAILURES, ids=["ours", "any"])
async def test_what_fails_is_said_and_not_raised(
    twin: DiscordTwin, host: Tree, desk: Desk, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """Whatever goes wrong in a verb, typed, pressed, opened or filled in, the member gets an honest sentence."""
    shown = await panel(twin)
    form = await twin.press("Ana", shown, "rapport:form:note:new")
    desk.error = error
    sentence = error.for_member if isinstance(error, errors.BotError) else errors.BotError.for_member
    await twin.submits_modal("Ana", form, {"words": SECRET})
    await until(twin, shown, sentence)
    typed = await panel(twin)
    assert said(typed) == sentence

    assert len(logged(caplog, "command.failed")) == 2
    assert type(error).__name__ in logged(caplog, "command.failed")[0]


@pytest.mark.parametrize("fault", [Fault(reset_before=True), Fault.json(403, {"code": 50001, "message": "no"})])
async def test_a_discord_that_fails_raises_nothing(
    twin: DiscordTwin, host: Tree, desk: Desk, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    """A response that cannot be sent or is refused is logged, and the member hears that something is missing."""
    shown = await panel(twin)
    twin.fault("PATCH", "/messages/@original", fault)
    await twin.press("Ana", shown, "rapport:note:drop")
    await until(twin, shown, "did not take")

    assert len(logged(caplog, "interaction.not_answered")) == 1


BROKEN = {
    "refused": View(text="x", buttons=(Button(action="x" * 120, label="Broken"),)),
    "not to be written": View(text="x", files=(File(name="broken.txt", text="\ud800"),)),
}


@pytest.mark.parametrize("view", BROKEN.values(), ids=BROKEN)
async def test_nothing_stays_thinking(
    twin: DiscordTwin, host: Tree, desk: Desk, caplog: pytest.LogCaptureFixture, view: View
) -> None:
    """A view that Discord does not take, or that cannot even be written, is replaced by a sentence."""
    desk.buttons, desk.files = view.buttons, view.files
    shown = await panel(twin)

    assert not shown.thinking
    assert "did not take" in said(shown)
    assert logged(caplog, "interaction.not_answered")


async def test_what_the_host_answered_is_not_answered_again(
    twin: DiscordTwin, desk: Desk, core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    """A host that responds to every interaction leaves us none to respond to: nothing is done, nothing raised."""

    class Eager(Client):
        async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
            if interaction.type is discord.InteractionType.component:
                await interaction.response.send_message("Mine!", ephemeral=True)

    client = Eager()
    tree = Tree(client)
    async with running(client), attach(client, core, tree=tree):
        await tree.sync()
        shown = await panel(twin)
        await twin.press("Ana", shown, "rapport:note:drop")
        await happened(lambda: logged(caplog, "interaction.not_answered"))

        assert tree.raised == []
        assert twin.message(shown) == shown
