"""What members type, press and fill in, through the real Bolt app and its socket, against Slack's twin.

The verbs are made up: whatever verbs there are, an adapter draws and hands on what they show.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import host, surfaces, uploads
from bot import errors, settings, wiring
from bot.commands.administration import IsAdmin, nobody
from bot.commands.command import OUTDATED, Context
from bot.commands.registry import Commands
from bot.core import Core
from bot.messages import Member, MessageId, Room
from bot.views import Button, File, Form, Input, Line, Section, View
from tests.clock import StillClock
from tests.twins.server import Fault
from tests.twins.slack import SlackTwin
from tests.twins.slack.workspace import Message

EDIT = Button(action="form:edit:f1", label="Edit")
FORGET = Button(action="forget:f1", label="Forget", is_danger=True)
LINE = Line(text="location: Lisbon", action="fact:f1")
SHOWN = View(text="What I know:", sections=(Section(title="Home", lines=(LINE,)),), buttons=(EDIT, FORGET))
FORM = Form(action="edit:f1", title="Edit", inputs=(Input(name="value", label="Value", value="Lisbon"),))
OPEN = "/api/views.open"


class Verbs(Commands):
    """Verbs that a test arranges; what they were asked is in `asked`."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.asked: list[tuple[str, str, Room | None]] = []
        self.shown: dict[str, Form | View | errors.BotError] = {"": SHOWN, "form:edit:f1": FORM}
        self.given: Mapping[str, str] = {}

    def _answer(self, words: str, member: Member, room: Room | None) -> Form | View:
        self.asked.append((words, member.id, room))
        found = self.shown.get(words, OUTDATED)
        if isinstance(found, errors.BotError):
            raise found
        return found

    async def run(self, words: str, member: Member, *, room: Room | None = None) -> View:
        return view_of(self._answer(words, member, room))

    async def press(self, action: str, member: Member, *, room: Room | None = None, is_admin: IsAdmin = nobody) -> View:
        return view_of(self._answer(action, member, room))

    async def form(self, action: str, member: Member, *, room: Room | None = None) -> Form | View:
        return self._answer(action, member, room)

    async def about(self, verb: Literal["why", "forget"], member: Member, room: Room, message: MessageId) -> View:
        return view_of(self._answer(f"about:{verb}:{message}", member, room))

    async def fill(self, action: str, answers: Mapping[str, str], member: Member, *, room: Room | None = None) -> View:
        self.given = answers
        return view_of(self._answer(f"fill:{action}", member, room))


def view_of(found: Form | View) -> View:
    assert isinstance(found, View)
    return found


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.member("U2", "ben")
        twin.channel("C1", "team", members=["U1", "U2"])
        twin.channel("C9", "without us", members=["U1"], bot=False)
        twin.channel("D1", "", kind="im", members=["U1"])
        twin.channel("D12", "", kind="im", members=["U1", "U2"], bot=False)
        yield twin


@asynccontextmanager
async def opened(database: Path, twin: SlackTwin) -> AsyncIterator[Core]:
    loaded = settings.load(
        database_url=f"sqlite:///{database}",
        slack_bot_token=twin.bot_token,
        slack_app_token=twin.app_token,
        slack_api_url=twin.api_url,
    )
    async with wiring.open_core(loaded, clock=StillClock(datetime.fromtimestamp(twin.now + 1, UTC))) as core:
        yield core


@pytest.fixture
async def verbs(database: Path, twin: SlackTwin) -> AsyncIterator[Verbs]:
    """The verbs of a Rapport that is connected."""
    async with opened(database, twin) as core:
        verbs = Verbs(core.commands._context)
        async with host.connected(replace(core, commands=verbs)):
            await twin.connected()
            yield verbs


async def typed(twin: SlackTwin, words: str = "", *, channel: str = "C1") -> Message:
    """What Ana is shown for a command."""
    outcome = await twin.command("U1", channel, "/persona", words)
    await twin.wait_for(lambda: outcome.seen)
    return outcome.seen[-1]


async def pressed(twin: SlackTwin, message: Message, action: str, *, user: str = "U1") -> Message:
    """What a member is shown for a press."""
    outcome = await twin.press(user, message, f"rapport:{action}")
    await twin.wait_for(lambda: outcome.seen)
    return outcome.seen[-1]


async def editing(twin: SlackTwin) -> Message:
    """Let Ana open the form, beside the message that is returned."""
    message = await typed(twin)
    assert (await twin.press("U1", message, "rapport:form:edit:f1")).acked
    await twin.wait_for(lambda: twin.modals["U1"])
    return message


def shows(twin: SlackTwin, words: str) -> Callable[[], bool]:
    """Whether the modal before Ana says this."""
    return lambda: bool(twin.modals["U1"]) and words in json.dumps(twin.modals["U1"][-1])


# -- typing and pressing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "kind"), [("C1", "external"), ("D1", "direct"), ("D12", "external")])
async def test_a_verb_hears_where_it_was_asked(twin: SlackTwin, verbs: Verbs, channel: str, kind: str) -> None:
    """A command and a button say where; only a direct message with us is one, not that of two other members."""
    message = await typed(twin, channel=channel)
    await pressed(twin, message, "forget:f1")

    expected = [("slack:T1", channel, None, kind)] * 2
    assert [(room.tenant, room.channel, room.thread, room.kind) for _, _, room in verbs.asked if room] == expected


async def test_a_button_in_a_thread_says_which(twin: SlackTwin, verbs: Verbs) -> None:
    """A button below a message is asked in that thread."""
    root = await twin.says("U1", "C1", "hello")
    await twin.says("U2", "C1", "hi", thread=root)
    client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url)
    adapter_blocks = [{"type": "actions", "elements": [button_json("forget:f1")]}]
    await client.chat_postEphemeral(channel="C1", user="U1", thread_ts=root, text="x", blocks=adapter_blocks)
    await pressed(twin, twin.ephemerals("U1")[-1], "forget:f1")

    assert [room.thread for _, _, room in verbs.asked if room] == [root]


def button_json(action: str) -> dict[str, object]:
    return {"type": "button", "action_id": f"rapport:{action}", "text": {"type": "plain_text", "text": "x"}}


async def test_a_line_can_be_opened(twin: SlackTwin, verbs: Verbs) -> None:
    """The button beside a line brings its action, and what it shows takes the place of the list."""
    verbs.shown["fact:f1"] = View(text="You said so on Sunday.")
    message = await typed(twin)
    answer = await pressed(twin, message, "fact:f1")

    assert answer is message
    assert message.visible == "You said so on Sunday."
    assert message.only_for == "U1"


async def test_pressing_twice_does_it_twice_and_says_so(twin: SlackTwin, verbs: Verbs) -> None:
    """A second press of the same button, before the first was answered, is answered too."""
    verbs.shown["forget:f1"] = View(text="Forgotten.")
    message = await typed(twin)
    first, second = await asyncio.gather(*(twin.press("U1", message, "rapport:forget:f1") for _ in range(2)))
    await twin.wait_for(lambda: first.seen and second.seen)

    assert [words for words, _, _ in verbs.asked].count("forget:f1") == 2
    assert message.visible == "Forgotten."


@pytest.mark.parametrize("action", ["gone:f1", "form:gone:f1"])
async def test_a_button_of_an_older_version_says_so(twin: SlackTwin, verbs: Verbs, action: str) -> None:
    """A button that nothing answers to any more is acknowledged, and the member hears what there is instead."""
    verbs.shown[""] = View(text="x", buttons=(Button(action=action, label="Old"),))
    message = await typed(twin)

    assert (await pressed(twin, message, action)).visible.startswith(OUTDATED.text)
    assert twin.modals["U1"] == []


async def test_what_is_private_never_replaces_what_others_read(twin: SlackTwin, verbs: Verbs) -> None:
    """Whoever presses a button that others can see is answered alone, about themself, and the message stays."""
    client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url)
    await client.chat_postMessage(
        channel="C1", text="x", blocks=[{"type": "actions", "elements": [button_json("forget:f1")]}]
    )
    message = twin.messages("C1")[-1]
    verbs.shown["forget:f1"] = View(text="Your home is forgotten.")
    answer = await pressed(twin, message, "forget:f1", user="U2")

    assert [(words, who) for words, who, _ in verbs.asked] == [("forget:f1", "U2")]
    assert answer is not message
    assert (answer.only_for, answer.visible) == ("U2", "Your home is forgotten.")
    assert "Your home" not in message.visible


@pytest.mark.parametrize("words", ["", "forget:f1", "form:edit:f1"])
async def test_trouble_is_said_honestly(twin: SlackTwin, verbs: Verbs, words: str) -> None:
    """When our notes cannot be reached, the member hears that, whatever they did."""
    message = await typed(twin)
    verbs.shown[words] = errors.StoreError("no")
    answer = await (pressed(twin, message, words) if words else typed(twin))

    assert answer.visible == errors.StoreError.for_member


# -- menus of messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["why", "forget"])
@pytest.mark.parametrize("place", ["root", "reply", "direct", "direct thread"])
async def test_a_message_can_be_asked_about(twin: SlackTwin, verbs: Verbs, verb: str, place: str) -> None:
    """An entry in the menu of a message asks about that message, in its conversation, for whoever chose it alone."""
    channel = "D1" if place.startswith("direct") else "C1"
    root = await twin.says("U1", channel, "I live in Lisbon")
    if place in {"reply", "direct thread"}:
        await twin.says("U1", channel, "and work in Porto", thread=root)
    message = twin.messages(channel)[-1]
    verbs.shown[f"about:{verb}:{message.ts}"] = View(text="Your home.")
    outcome = await twin.shortcut("U1", message, f"rapport:{verb}")
    await twin.wait_for(lambda: outcome.seen)

    (_, who, room) = verbs.asked[-1]
    thread = None if place == "direct" else root
    assert room is not None
    assert (who, room.channel, room.thread) == ("U1", channel, thread)
    assert room.kind == ("direct" if channel == "D1" else "public")
    assert (outcome.seen[0].visible, outcome.seen[0].only_for) == ("Your home.", "U1")
    assert message.visible != "Your home."


async def test_another_member_asks_about_themself(twin: SlackTwin, verbs: Verbs) -> None:
    """Who asks about somebody else's message is answered about themself, and nobody else sees it."""
    await twin.says("U1", "C1", "I live in Lisbon")
    outcome = await twin.shortcut("U2", twin.messages("C1")[-1], "rapport:why")
    await twin.wait_for(lambda: outcome.seen)

    assert verbs.asked[-1][1] == "U2"
    assert twin.ephemerals("U1") == []


async def test_trouble_with_a_menu_is_said_honestly(twin: SlackTwin, verbs: Verbs) -> None:
    """When our notes cannot be reached, whoever chose an entry hears that."""
    await twin.says("U1", "C1", "I live in Lisbon")
    message = twin.messages("C1")[-1]
    verbs.shown[f"about:why:{message.ts}"] = errors.StoreError("no")
    outcome = await twin.shortcut("U1", message, "rapport:why")
    await twin.wait_for(lambda: outcome.seen)

    assert outcome.seen[0].visible == errors.StoreError.for_member


# -- addresses that are over ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["expired", "used up"])
@pytest.mark.parametrize("channel", ["C1", "D1"])
async def test_an_answer_whose_address_is_over_comes_another_way(
    twin: SlackTwin, verbs: Verbs, over: str, channel: str
) -> None:
    """When the address for an answer is over, the member is shown it in a new message that is theirs alone."""
    verbs.shown["forget:f1"] = View(text="Forgotten.")
    message = await typed(twin, channel=channel)
    make_addresses_void(twin, over)
    outcome = await twin.press("U1", message, "rapport:forget:f1")
    await twin.wait_for(lambda: "Forgotten." in private(twin))

    assert outcome.seen == []
    assert message.visible.startswith("What I know:")
    assert twin.ephemerals("U2") == []


def make_addresses_void(twin: SlackTwin, over: str = "expired") -> None:
    """Let every address for an answer be over before it is used."""
    if over == "expired":
        twin.workspace.response_url_life_s = -1.0
    else:
        twin.workspace.response_url_uses = 0


def private(twin: SlackTwin) -> list[str]:
    """What Ana alone has been shown."""
    direct = [message for message in twin.messages("D1") if message.bot_id]
    return [message.visible for message in [*twin.ephemerals("U1"), *direct]]


@pytest.mark.parametrize("over", ["expired", "used up"])
async def test_where_there_is_no_other_way_the_operator_reads_it(
    twin: SlackTwin, verbs: Verbs, over: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In a channel that we are not in nothing else can be shown: that is logged, and the next command is answered."""
    make_addresses_void(twin, over)
    outcome = await twin.command("U1", "C9", "/persona", "")
    await twin.wait_for(lambda: twin.calls("/api/chat.postEphemeral"))
    twin.workspace.response_url_life_s, twin.workspace.response_url_uses = 1_800.0, 5

    assert (await typed(twin, channel="C9")).visible.startswith("What I know:")
    assert (outcome.acked, outcome.seen) == (True, [])
    assert "response.refused" in caplog.text


# -- forms ------------------------------------------------------------------------------------------------------------


async def test_a_form_is_filled_in(twin: SlackTwin, verbs: Verbs) -> None:
    """A button opens the form, the verb gets what was typed and where, and the modal shows what came of it."""
    verbs.shown["fill:edit:f1"] = View(text="You live in Porto.", buttons=(Button(action="undo:o1", label="Undo"),))
    message = await editing(twin)
    submitted = await twin.submits("U1", {"value": {"answer": "Porto"}})

    assert submitted.error is None
    assert verbs.given == {"value": "Porto"}
    words, who, room = verbs.asked[-1]
    assert (words, who, room and room.channel) == ("fill:edit:f1", "U1", "C1")
    assert shows(twin, "You live in Porto.")()
    assert message.visible.startswith("What I know:")


async def test_what_is_shown_in_a_modal_can_be_pressed(twin: SlackTwin, verbs: Verbs) -> None:
    """A button below what came of a form works in the modal, and so does one that opens another form."""
    undo = (Button(action="undo:o1", label="Undo"), Button(action="form:edit:f1", label="Again"))
    verbs.shown["fill:edit:f1"] = View(text="You live in Porto.", buttons=undo)
    verbs.shown["undo:o1"] = View(text="You live in Lisbon again.", buttons=undo[1:])
    await editing(twin)
    await twin.submits("U1")
    await twin.press("U1", twin.modals["U1"][-1], "rapport:undo:o1")
    await twin.wait_for(shows(twin, "Lisbon again"))
    await twin.press("U1", twin.modals["U1"][-1], "rapport:form:edit:f1")
    await twin.wait_for(lambda: twin.modals["U1"][-1].get("submit"))

    assert [room and room.channel for _, _, room in verbs.asked] == ["C1"] * 5
    assert (await twin.submits("U1", {"value": {"answer": "Faro"}})).error is None
    assert verbs.given == {"value": "Faro"}


async def test_a_form_that_fails_keeps_what_was_typed(twin: SlackTwin, verbs: Verbs) -> None:
    """When our notes cannot be reached, the form stays open with the sentence, and can be sent again."""
    verbs.shown["fill:edit:f1"] = errors.StoreError("no")
    await editing(twin)
    submitted = await twin.submits("U1", {"value": {"answer": "Porto"}})
    assert submitted.payload == {"response_action": "errors", "errors": {"value": errors.StoreError.for_member}}

    verbs.shown["fill:edit:f1"] = View(text="You live in Porto.")
    assert (await twin.submits("U1", {"value": {"answer": "Porto"}})).error is None
    assert shows(twin, "You live in Porto.")()


async def test_a_question_without_inputs_can_fail_too(twin: SlackTwin, verbs: Verbs) -> None:
    """A form that only asks whether one is sure shows trouble in its place."""
    verbs.shown["form:edit:f1"] = replace(FORM, inputs=(), text="All of it?")
    verbs.shown["fill:edit:f1"] = errors.StoreError("no")
    await editing(twin)

    assert (await twin.submits("U1")).error is None
    assert shows(twin, errors.StoreError.for_member)()


async def test_a_form_of_an_older_version_says_so(twin: SlackTwin, verbs: Verbs) -> None:
    """A form that nothing answers to any more shows what there is instead."""
    await editing(twin)

    assert (await twin.submits("U1")).error is None
    assert shows(twin, "older version")()


async def test_a_form_that_there_is_none_of_is_explained(twin: SlackTwin, verbs: Verbs) -> None:
    """When a verb has no form to give, what it says instead is shown like any answer."""
    verbs.shown["form:edit:f1"] = View(text="That fact is gone.")
    message = await typed(twin)

    assert (await pressed(twin, message, "form:edit:f1")).visible == "That fact is gone."
    assert twin.modals["U1"] == []


async def test_a_form_that_comes_too_late_says_so(twin: SlackTwin, verbs: Verbs) -> None:
    """When three seconds went by before the form was there, the member hears it and can press the button again."""
    message, held = await typed(twin), asyncio.Event()
    twin.fault("POST", OPEN, Fault(hold=held))
    outcome = await twin.press("U1", message, "rapport:form:edit:f1")
    await twin.wait_for(lambda: twin.calls(OPEN))
    twin.now += 4
    held.set()
    await twin.wait_for(lambda: outcome.seen)

    assert outcome.seen[-1].visible == surfaces.TOO_LATE.text
    assert outcome.seen[-1].only_for == "U1"
    assert twin.modals["U1"] == []
    await twin.press("U1", message, "rapport:form:edit:f1")
    await twin.wait_for(lambda: twin.modals["U1"])


async def test_a_form_that_slack_does_not_open_says_so(twin: SlackTwin, verbs: Verbs) -> None:
    """When Slack refuses the form for another reason, that is said, and the button stays."""
    message = await typed(twin)
    twin.fault("POST", OPEN, Fault.json(200, {"ok": False, "error": "fatal_error"}))
    answer = await pressed(twin, message, "form:edit:f1")

    assert answer.visible == surfaces.NOT_OPENED.text
    assert message.visible.startswith("What I know:")


async def test_a_modal_that_was_closed_meanwhile_is_no_failure(
    twin: SlackTwin, verbs: Verbs, caplog: pytest.LogCaptureFixture
) -> None:
    """Who closes the modal before the answer to a press arrives sees no answer; it is logged, and all else goes on."""
    verbs.shown["fill:edit:f1"] = View(text="You live in Porto.", buttons=(Button(action="undo:o1", label="Undo"),))
    await editing(twin)
    await twin.submits("U1")
    modal = twin.modals["U1"].pop()
    await twin.press("U1", modal, "rapport:undo:o1")
    await twin.wait_for(lambda: twin.calls("/api/views.update"))

    assert (await typed(twin)).visible.startswith("What I know:")
    assert "modal.not_updated" in caplog.text


# -- files ------------------------------------------------------------------------------------------------------------

EXPORT = View(text="Your export.", files=(File(name="persona.json", text="{}"),))


@pytest.mark.parametrize("by", ["typing", "pressing"])
async def test_an_export_goes_to_the_direct_message(twin: SlackTwin, verbs: Verbs, by: str) -> None:
    """What cannot be attached to a private answer is sent to the member's direct message; the answer says so."""
    verbs.shown |= {"export": EXPORT, "export:json": EXPORT}
    message = await typed(twin)
    answer = await (typed(twin, "export") if by == "typing" else pressed_new(twin, message, "export:json"))

    assert answer.visible == f"Your export. {uploads.SENT}"
    assert [file["name"] for shared in twin.messages("D1") for file in shared.files] == ["persona.json"]
    assert [shared for shared in twin.messages("C1") if shared.files] == []


async def pressed_new(twin: SlackTwin, message: Message, action: str) -> Message:
    """What Ana is shown for a button that was not in the message when it was drawn."""
    message.blocks = [{"type": "actions", "elements": [button_json(action)]}]
    return await pressed(twin, message, action)


async def test_a_form_may_end_in_a_file(twin: SlackTwin, verbs: Verbs) -> None:
    """What came of a form may be a file: it is in the direct message, and the modal says so."""
    verbs.shown["fill:edit:f1"] = EXPORT
    await editing(twin)
    assert (await twin.submits("U1")).error is None
    assert shows(twin, uploads.SENT)()
    assert [file["name"] for shared in twin.messages("D1") for file in shared.files] == ["persona.json"]
