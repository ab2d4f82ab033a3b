"""The Slack twin, tested through the unmodified SDKs: what it delivers, what it refuses, what people see."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.models.metadata import Metadata
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.twins.server import Fault
from tests.twins.slack import SlackTwin
from tests.twins.slack.blocks import Json

SHORT_S = 0.05
"""For what is meant to time out: short enough to wait for four times."""
PING_S = 0.2
"""How soon the SDK looks after a connection that was cut; it also drops one that owes it a pong for half of that."""
BUTTON = {"type": "button", "action_id": "save", "value": "7", "text": {"type": "plain_text", "text": "Save"}}
ASK = [{"type": "actions", "block_id": "b1", "elements": [BUTTON]}]
MODAL = {
    "type": "modal",
    "callback_id": "edit",
    "title": {"type": "plain_text", "text": "Edit"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "goal",
            "label": {"type": "plain_text", "text": "Goal"},
            "element": {"type": "plain_text_input", "action_id": "text", "initial_value": "ship"},
        }
    ],
}


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin(ack_timeout_s=1.0) as twin:
        furnish(twin)
        yield twin


def furnish(twin: SlackTwin) -> None:
    twin.member("U1", "ana", real_name="Ana", email="ana@example.org")
    twin.member("U2", "ben", guest="single", team="T2")
    twin.channel("C1", "team", members=["U1", "U2"])
    twin.channel("D1", "", kind="im", members=["U1"])


def web(twin: SlackTwin, **more: Any) -> AsyncWebClient:
    return AsyncWebClient(**{"token": twin.bot_token, "base_url": twin.api_url, "retry_handlers": []} | more)


@contextlib.asynccontextmanager
async def listening(twin: SlackTwin, *, opened: int = 1, ping_s: float = 5.0) -> AsyncIterator[AsyncApp]:
    """A Bolt app that is connected; listeners may still be added."""
    app = AsyncApp(client=web(twin))
    handler = AsyncSocketModeHandler(app, twin.app_token, ping_interval=ping_s)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it bare
    await twin.connected(opened=opened)
    try:
        yield app
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # likewise


def collect(app: AsyncApp, kind: str) -> list[Json]:
    """Let the app ack every event of a kind, and keep the bodies."""
    heard: list[Json] = []

    @app.event(kind)
    async def _listen(body: Json) -> None:
        heard.append(body)

    return heard


async def refusal(call: Awaitable[object]) -> str:
    """The error code with which the twin refuses a call."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


# -- delivery ---------------------------------------------------------------------------------------------------------


async def test_a_mention_arrives_as_two_events(twin: SlackTwin) -> None:
    """A post that mentions the bot is sent as `message` and as `app_mention`, each with its own event id."""
    async with listening(twin) as app:
        messages, mentions = collect(app, "message"), collect(app, "app_mention")
        ts = await twin.says("U1", "C1", "<@U0BOT> hi &amp; bye")
        await twin.settled()

    assert [event.inner["type"] for event in twin.events] == ["message", "app_mention"]
    assert messages[0]["event"]["ts"] == mentions[0]["event"]["ts"] == ts
    assert messages[0]["event_id"] != mentions[0]["event_id"]
    assert messages[0]["event"]["channel_type"] == "channel"
    assert "channel_type" not in mentions[0]["event"]
    typed = messages[0]["event"]["blocks"][0]["elements"][0]["elements"]
    assert typed == [{"type": "user", "user_id": "U0BOT"}, {"type": "text", "text": " hi & bye"}]


async def test_the_twins_go_out_as_asked(twin: SlackTwin) -> None:
    """A test chooses which of the two events goes out, and in which order."""
    async with listening(twin) as app:
        collect(app, "message")
        collect(app, "app_mention")
        await twin.says("U1", "C1", "<@U0BOT>", emits=["app_mention", "message"])
        await twin.says("U1", "C1", "<@U0BOT>", emits=["message"])
        await twin.says("U1", "D1", "<@U0BOT>")
        await twin.settled()

    sent = [event.inner["type"] for event in twin.events]
    assert sent == ["app_mention", "message", "message", "message"]


async def test_subscriptions_and_membership_decide_what_is_heard() -> None:
    """The app hears only of events it subscribed to, in conversations the bot is in."""
    async with SlackTwin(ack_timeout_s=SHORT_S, subscriptions={"app_mention", "message.im"}) as twin:
        furnish(twin)
        twin.channel("C2", "far", members=["U1"], bot=False)
        await twin.says("U1", "C1", "not for you")
        await twin.says("U1", "C2", "<@U0BOT>")
        await twin.says("U1", "C1", "<@U0BOT>")
        await twin.says("U1", "D1", "hi")

        assert [event.inner["type"] for event in twin.events] == ["app_mention", "message"]


async def test_acks_are_kept_with_their_times(twin: SlackTwin) -> None:
    """Each ack is recorded with the times of delivery and return, so that a bench can measure them."""
    async with listening(twin) as app:
        collect(app, "message")
        await twin.says("U1", "C1", "hi")
        event = await twin.acked()

    (ack,) = twin.acks
    assert ack.event_id == event.id
    assert 0 < ack.latency_s < 1
    assert not ack.late


async def test_an_event_without_ack_is_sent_again_three_times() -> None:
    """An unacked event comes again as a new envelope of the same event with a raised attempt, then is lost."""
    async with SlackTwin(ack_timeout_s=SHORT_S) as twin:
        furnish(twin)
        attempts: list[tuple[str, str]] = []
        async with listening(twin) as app:

            @app.middleware
            async def _deaf(req: Any, body: Json) -> None:
                attempts.append((body["event_id"], req.headers["x-slack-retry-num"][0]))

            await twin.says("U1", "C1", "hi")
            await twin.settled()

        (event,) = twin.lost
        assert attempts == [(event.id, str(attempt)) for attempt in range(4)]
        assert twin.acks == []


async def test_a_late_ack_changes_nothing() -> None:
    """An ack after the time limit is recorded as late, and the event is sent again all the same."""
    async with SlackTwin(ack_timeout_s=4 * SHORT_S) as twin:
        furnish(twin)
        async with listening(twin) as app:
            second = asyncio.Event()

            @app.middleware
            async def _slow(req: Any, next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002 - Bolt's name for it
                if req.headers["x-slack-retry-num"] == ["0"]:
                    await second.wait()
                second.set()
                await next()

            collect(app, "message")
            await twin.says("U1", "C1", "hi")
            await twin.wait_for(lambda: len(twin.acks) == 2)

        assert sorted((ack.attempt, ack.late) for ack in twin.acks) == [(0, True), (1, False)]


async def test_a_test_can_ask_for_redelivery(twin: SlackTwin) -> None:
    """`redelivers` sends an acked event once more; Bolt runs the listener again, since it drops no duplicates."""
    async with listening(twin) as app:
        heard = collect(app, "message")
        await twin.says("U1", "C1", "hi")
        event = await twin.acked()
        await twin.redelivers(event.id)
        await twin.acked(event.id, times=2)

    assert [body["event_id"] for body in heard] == [event.id, event.id]
    assert [ack.attempt for ack in twin.acks] == [0, 1]


async def test_the_first_delivery_may_get_lost(twin: SlackTwin) -> None:
    """An event that missed the app comes as a retry, and says so; the next one comes as usual."""
    async with listening(twin) as app:
        heard = collect(app, "message")
        twin.misses = 1
        for text in ("missed", "heard"):
            await twin.says("U1", "C1", text)
            await twin.acked()

    assert [body["event"]["text"] for body in heard] == ["missed", "heard"]
    assert [ack.attempt for ack in twin.acks] == [1, 0]


async def test_events_wait_while_nobody_is_connected(twin: SlackTwin) -> None:
    """What happens during an outage is delivered in order once a socket opens."""
    for text in ("one", "two", "three"):
        await twin.says("U1", "C1", text)
    async with listening(twin) as app:
        heard = collect(app, "message")
        await twin.settled()

    assert [body["event"]["text"] for body in heard] == ["one", "two", "three"]


async def test_each_envelope_goes_to_one_socket(twin: SlackTwin) -> None:
    """With two sockets open, every event reaches exactly one of them, in turn."""
    async with listening(twin) as one, listening(twin, opened=2) as two:
        first, second = collect(one, "message"), collect(two, "message")
        for number in range(4):
            await twin.says("U1", "C1", str(number))
        await twin.settled()

    assert len(first) == len(second) == 2


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_disconnect_makes_the_app_reconnect(twin: SlackTwin, reason: Any) -> None:
    """After a disconnect frame the SDK opens a new socket, and events go there."""
    async with listening(twin) as app:
        heard = collect(app, "message")
        await twin.disconnect(reason=reason)
        await twin.connected(opened=2)
        await twin.wait_for(lambda: len(twin.sockets) == 1)
        await twin.says("U1", "C1", "hi")
        await twin.settled()

    assert len(heard) == 1


async def test_cut_sockets_lose_nothing(twin: SlackTwin) -> None:
    """After the TCP connection was cut, the app reconnects and gets what was said in between."""
    async with listening(twin, ping_s=PING_S) as app:
        heard = collect(app, "message")
        await twin.drop_sockets()
        await twin.says("U1", "C1", "hi")
        await twin.connected(opened=2)
        await twin.settled()

    assert [body["event"]["text"] for body in heard] == ["hi"]


async def test_a_deaf_socket_swallows_events() -> None:
    """A socket that is open and carries nothing costs the event, which is lost after its redeliveries."""
    async with SlackTwin(ack_timeout_s=SHORT_S) as twin:
        furnish(twin)
        async with listening(twin) as app:
            heard = collect(app, "message")
            twin.deafen()
            await twin.says("U1", "C1", "hi")
            await twin.settled()

        assert len(twin.lost) == 1
        assert heard == []


async def test_what_happens_while_nobody_is_connected_can_be_lost(twin: SlackTwin) -> None:
    """Events wait for a socket unless they are not to: then they are lost, and only history tells."""
    twin.waits = False
    await twin.says("U1", "C1", "hi")
    twin.waits = True
    await twin.says("U1", "C1", "hi again")
    async with listening(twin) as app:
        heard = collect(app, "message")
        await twin.settled()

    assert [event.inner["text"] for event in twin.lost] == ["hi"]
    assert [body["event"]["text"] for body in heard] == ["hi again"]


async def test_link_disabled_refuses_new_sockets(twin: SlackTwin) -> None:
    """Once Socket Mode is switched off, sockets close and a new one is refused until it is on again."""
    async with aiohttp.ClientSession() as session, session.ws_connect(twin.ticket_url()) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        await twin.disconnect(reason="link_disabled")
        assert (await socket.receive_json())["reason"] == "link_disabled"
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    client = web(twin)
    assert await refusal(client.apps_connections_open(app_token=twin.app_token)) == "socket_mode_not_enabled"
    twin.enabled = True
    assert (await client.apps_connections_open(app_token=twin.app_token))["ok"]


async def test_ten_sockets_and_no_more(twin: SlackTwin) -> None:
    """The eleventh socket is told that there are too many, and closed."""
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        for number in range(1, 11):
            socket = await stack.enter_async_context(session.ws_connect(twin.ticket_url()))
            assert (await socket.receive_json())["num_connections"] == number
        eleventh = await stack.enter_async_context(session.ws_connect(twin.ticket_url()))
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
        assert (await eleventh.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_ticket_works_once(twin: SlackTwin) -> None:
    """A socket address can be used a single time."""
    url = twin.ticket_url()
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url):
            pass
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_pings_are_echoed(twin: SlackTwin) -> None:
    """The twin answers a ping with the payload it carried."""
    async with aiohttp.ClientSession() as session, session.ws_connect(twin.ticket_url(), autoping=False) as socket:
        await socket.receive_json()
        await socket.ping(b"sdk-ping-pong:1.5")
        pong = await socket.receive()

    assert (pong.type, bytes(pong.data)) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1.5")


# -- what people do ---------------------------------------------------------------------------------------------------


async def test_edits_unfurls_and_deletions(twin: SlackTwin) -> None:
    """An edit, a link preview and a deletion arrive with what the message was before."""
    async with listening(twin) as app:
        heard = collect(app, "message")
        ts = await twin.says("U1", "C1", "one")
        await twin.edits("U1", "C1", ts, "two")
        await twin.unfurls("C1", ts)
        await twin.deletes("U1", "C1", ts)
        await twin.settled()

    edit, unfurl, deletion = (body["event"] for body in heard[1:])
    assert (edit["previous_message"]["text"], edit["message"]["text"]) == ("one", "two")
    assert unfurl["message"]["text"] == unfurl["previous_message"]["text"]
    assert (deletion["subtype"], deletion["deleted_ts"]) == ("message_deleted", ts)
    assert [(m.visible, m.deleted) for m in twin.messages("C1")] == [("", True)]


async def test_a_deleted_root_with_replies_leaves_a_tombstone(twin: SlackTwin) -> None:
    """Deleting the root of a thread changes it into a tombstone, and history shows that."""
    root = await twin.says("U1", "C1", "root")
    await twin.says("U2", "C1", "reply", thread=root)
    await twin.deletes("U1", "C1", root)

    assert twin.events[-1].inner["message"]["subtype"] == "tombstone"
    replies = (await web(twin).conversations_replies(channel="C1", ts=root))["messages"]
    assert [m["text"] for m in replies] == ["This message was deleted.", "reply"]


async def test_a_command_shows_its_ack(twin: SlackTwin) -> None:
    """Text in the ack of a command is shown to the member alone, and to everybody when it is in_channel."""
    async with listening(twin) as app:

        @app.command("/persona")
        async def _persona(ack: Any, command: Json) -> None:
            public = command["text"] == "share"
            await ack(text=command["text"], response_type="in_channel" if public else "ephemeral")

        private = await twin.command("U1", "C1", "/persona", "show")
        await twin.command("U1", "C1", "/persona", "share")

    assert (private.acked, [m.text for m in private.seen]) == (True, ["show"])
    assert [m.text for m in twin.ephemerals("U1")] == ["show"]
    assert [m.text for m in twin.messages("C1")] == ["share"]


async def test_a_command_nobody_answers_fails_visibly() -> None:
    """A command without ack shows `operation_timeout`, without a socket `dispatch_failed`; neither comes again."""
    async with SlackTwin(ack_timeout_s=SHORT_S) as twin:
        furnish(twin)
        assert (await twin.command("U1", "C1", "/persona")).error == "dispatch_failed"
        async with listening(twin):
            outcome = await twin.command("U1", "C1", "/persona", "show")

        assert (outcome.acked, outcome.error) == (False, "operation_timeout")
        assert len(twin._envelopes) == 1


async def test_response_url_takes_five_answers(twin: SlackTwin) -> None:
    """A response_url shows what is posted to it five times, for thirty minutes."""
    outcome = await twin.command("U1", "C1", "/persona")
    respond = AsyncWebhookClient(outcome.response_url)
    answers = [await respond.send(text=str(number)) for number in range(6)]
    twin.now += 1_801
    other = await AsyncWebhookClient((await twin.command("U1", "C1", "/p")).response_url).send(text="in time")
    late = await respond.send(text="late")

    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert [m.text for m in outcome.seen] == ["0", "1", "2", "3", "4"]
    assert (other.status_code, late.status_code, json.loads(late.body)["error"]) == (200, 404, "expired_url")


async def test_a_button_press_can_replace_and_delete_its_message(twin: SlackTwin) -> None:
    """A press carries the button's value, and its response_url changes or removes the message it stood in."""
    async with listening(twin) as app:
        pressed: list[Json] = []

        @app.action("save")
        async def _save(ack: Any, body: Json) -> None:
            pressed.append(body)
            await ack()

        await app.client.chat_postEphemeral(channel="C1", user="U1", text="Keep?", blocks=ASK)
        (message,) = twin.ephemerals("U1")
        outcome = await twin.press("U1", message, "save")
        respond = AsyncWebhookClient(outcome.response_url)
        await respond.send(text="Kept.", replace_original=True)
        assert [m.visible for m in twin.ephemerals("U1")] == ["Kept."]
        await respond.send(delete_original=True)

    assert outcome.acked
    assert pressed[0]["actions"][0] | {"action_ts": ""} == {
        "type": "button",
        "block_id": "b1",
        "action_id": "save",
        "value": "7",
        "action_ts": "",
    }
    assert pressed[0]["container"]["is_ephemeral"]
    assert twin.ephemerals("U1") == []


async def test_only_what_is_there_can_be_pressed(twin: SlackTwin) -> None:
    """Pressing a button that is not there is a mistake of the test."""
    await web(twin).chat_postMessage(channel="C1", text="Keep?", blocks=ASK)
    with pytest.raises(AssertionError, match="nothing to press"):
        await twin.press("U1", twin.messages("C1")[0], "forget")


async def test_a_modal_opens_once_and_is_submitted(twin: SlackTwin) -> None:
    """A trigger opens one modal within three seconds; errors in the ack keep it open, an empty ack closes it."""
    async with listening(twin) as app:
        opened: list[str] = []

        @app.command("/edit")
        async def _edit(ack: Any, command: Json, client: AsyncWebClient) -> None:
            await ack()
            await client.views_open(trigger_id=command["trigger_id"], view=MODAL)
            opened.append(command["trigger_id"])

        @app.view("edit")
        async def _save(ack: Any, view: Json) -> None:
            goal = view["state"]["values"]["goal"]["text"]["value"]
            await ack(response_action="errors", errors={"goal": "longer"}) if goal == "ship" else await ack()

        await twin.command("U1", "C1", "/edit")
        await twin.wait_for(lambda: twin.modals["U1"])
        refused = await twin.submits("U1")
        assert refused.payload == {"response_action": "errors", "errors": {"goal": "longer"}}
        assert len(twin.modals["U1"]) == 1
        assert (await twin.submits("U1", {"goal": {"text": "ship it"}})).acked
        assert twin.modals["U1"] == []
        again = app.client.views_open(trigger_id=opened[0], view=MODAL)
        assert await refusal(again) == "exchanged_trigger_id"


async def test_triggers_expire(twin: SlackTwin) -> None:
    """A trigger is worthless after three seconds, and an invented one at once."""
    outcome = await twin.command("U1", "C1", "/edit")
    twin.now += 3.5
    client = web(twin)

    assert await refusal(client.views_open(trigger_id=outcome.trigger_id, view=MODAL)) == "expired_trigger_id"
    assert await refusal(client.views_open(trigger_id="1.2.no", view=MODAL)) == "invalid_trigger_id"


async def test_home_is_published_and_pressed(twin: SlackTwin) -> None:
    """A member sees the Home that was published, opening it tells the app, and its buttons work."""
    async with listening(twin) as app:
        opened, pressed = collect(app, "app_home_opened"), asyncio.Event()

        @app.action("save")
        async def _save(ack: Any, body: Json) -> None:
            assert body["container"]["type"] == "view"
            await ack()
            pressed.set()

        await app.client.views_publish(user_id="U1", view={"type": "home", "blocks": ASK})
        await twin.opens_home("U1")
        await twin.settled()
        assert (await twin.press("U1", twin.views["U1"], "save")).acked
        conflict = app.client.views_publish(user_id="U1", view={"type": "home", "blocks": ASK}, hash="old")
        assert await refusal(conflict) == "hash_conflict"

    assert opened[0]["event"]["tab"] == "home"
    assert opened[0]["event"]["view"]["blocks"][0]["block_id"] == "b1"
    assert pressed.is_set()


def modal(element: Json, **more: object) -> Json:
    """The modal with another input in it."""
    block = {"type": "input", "block_id": "goal", "label": {"type": "plain_text", "text": "Goal"}, "element": element}
    return MODAL | {"blocks": [block | more]}


def option(text: str, value: str | None = None) -> Json:
    return {"text": {"type": "plain_text", "text": text}, "value": value or text}


TYPED = {"type": "plain_text_input", "action_id": "text"}
PICKED = {"type": "static_select", "action_id": "pick"}


@pytest.mark.parametrize(
    "view",
    [
        modal(TYPED | {"initial_value": "x" * 21, "max_length": 20}),
        modal(TYPED | {"max_length": 3_001}),
        modal(TYPED | {"placeholder": {"type": "plain_text", "text": "x" * 151}}),
        modal(TYPED, label={"type": "plain_text", "text": ""}),
        modal(PICKED),
        modal(PICKED | {"options": [option("x" * 76)]}),
        modal(PICKED | {"options": [option("x", "y" * 151)]}),
        modal(PICKED | {"options": [option(str(number)) for number in range(101)]}),
        MODAL | {"private_metadata": "x" * 3_001},
        modal(PICKED | {"options": [option("a")], "initial_option": option("b")}),
        modal({"type": "button", "action_id": "b", "text": {"type": "plain_text", "text": "x"}}),
        MODAL | {"submit": {"type": "plain_text", "text": "x" * 25}},
        MODAL | {"blocks": [*MODAL["blocks"], *({"type": "divider"} for _ in range(100))]},
        MODAL | {"blocks": [{"type": "actions", "elements": [BUTTON | {"style": "green"}]}]},
        MODAL | {"blocks": [{"type": "section", "text": option("x")["text"], "accessory": TYPED}]},
    ],
    ids=range(15),
)
async def test_a_modal_that_slack_would_refuse_is_refused(twin: SlackTwin, view: Json) -> None:
    """What is too long, missing, or of the wrong kind in a modal is not opened."""
    outcome = await twin.command("U1", "C1", "/edit")
    client = web(twin)

    assert await refusal(client.views_open(trigger_id=outcome.trigger_id, view=view)) == "invalid_arguments"
    assert twin.modals["U1"] == []


async def test_a_home_of_more_than_a_hundred_blocks_is_refused(twin: SlackTwin) -> None:
    """A Home tab holds a hundred blocks."""
    full = {"type": "home", "blocks": [{"type": "divider"}] * 100}
    assert (await web(twin).views_publish(user_id="U1", view=full))["ok"]

    over = {"type": "home", "blocks": [{"type": "divider"}] * 101}
    assert await refusal(web(twin).views_publish(user_id="U1", view=over)) == "invalid_arguments"


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "update", "view": MODAL | {"title": {"type": "plain_text", "text": "x" * 25}}},
        {"response_action": "errors", "errors": {"nowhere": "wrong"}},
    ],
    ids=["view", "errors"],
)
async def test_a_wrong_answer_to_a_modal_is_noticed(twin: SlackTwin, answer: Json) -> None:
    """An ack with a view that Slack does not take, or errors at no input, leaves the modal as it is."""
    async with listening(twin) as app:

        @app.view("edit")
        async def _save(ack: Any) -> None:
            await ack(**answer)

        outcome = await twin.command("U1", "C1", "/edit")
        await app.client.views_open(trigger_id=outcome.trigger_id, view=MODAL)
        submitted = await twin.submits("U1")

    assert submitted.error == "invalid_response"
    assert twin.modals["U1"][0]["title"] == MODAL["title"]


@pytest.mark.parametrize("typed", ["", "x" * 21])
async def test_slack_does_not_send_what_was_filled_in_wrongly(twin: SlackTwin, typed: str) -> None:
    """An empty required field and one with too much in it never reach the app: that is a mistake of the test."""
    outcome = await twin.command("U1", "C1", "/edit")
    await web(twin).views_open(trigger_id=outcome.trigger_id, view=modal(TYPED | {"max_length": 20}))

    with pytest.raises(AssertionError, match="goal"):
        await twin.submits("U1", {"goal": {"text": typed}})


async def test_a_shortcut_names_its_message(twin: SlackTwin) -> None:
    """A message shortcut carries the message, its conversation and an address that answers the member alone."""
    async with listening(twin) as app:
        chosen: list[Json] = []

        @app.shortcut("why")
        async def _why(ack: Any, body: Json, respond: Any) -> None:
            chosen.append(body)
            await ack()
            await respond("Because.")

        root = await twin.says("U1", "C1", "hi")
        await twin.says("U2", "C1", "ho", thread=root)
        outcome = await twin.shortcut("U1", twin.messages("C1")[-1], "why")
        await twin.wait_for(lambda: outcome.seen)

    assert (chosen[0]["channel"]["id"], chosen[0]["message"]["thread_ts"], chosen[0]["user"]["id"]) == (
        "C1",
        root,
        "U1",
    )
    assert chosen[0]["message_ts"] == chosen[0]["message"]["ts"] == twin.messages("C1")[-1].ts
    assert outcome.seen[0].only_for == "U1"


async def test_nobody_sees_what_is_private_below_an_unanswered_message(twin: SlackTwin) -> None:
    """Slack takes an ephemeral message for a thread that is none yet, and shows it to nobody."""
    root = await twin.says("U1", "C1", "hi")
    client = web(twin)
    assert (await client.chat_postEphemeral(channel="C1", user="U1", thread_ts=root, text="psst"))["ok"]
    assert twin.ephemerals("U1") == []

    await client.chat_postMessage(channel="C1", thread_ts=root, text="yes?")
    await client.chat_postEphemeral(channel="C1", user="U1", thread_ts=root, text="psst")
    assert [message.text for message in twin.ephemerals("U1")] == ["psst"]


async def test_a_file_is_shared_in_one_conversation(twin: SlackTwin) -> None:
    """A file of the app appears as a message where it is shared, and can be downloaded from then on."""
    async with aiohttp.ClientSession() as session:
        client = web(twin, session=session)
        await client.files_upload_v2(channel="D1", file_uploads=[{"filename": "a.txt", "content": "milk"}])
        (shared,) = twin.messages("D1")
        address, right = shared.files[0]["url_private"], {"Authorization": f"Bearer {twin.bot_token}"}
        async with session.get(address, headers=right) as whole:
            assert await whole.read() == b"milk"

    assert [file["name"] for file in shared.files] == ["a.txt"]


async def test_a_file_that_was_not_sent_is_not_shared(twin: SlackTwin) -> None:
    """Sharing needs the bytes, all of them, and a conversation that the bot is in."""
    client = web(twin)
    announced = await client.files_getUploadURLExternal(filename="a.txt", length=4)
    done = client.files_completeUploadExternal(files=[{"id": announced["file_id"]}], channel_id="D1")
    assert await refusal(done) == "file_not_found"

    async with aiohttp.ClientSession() as session, session.post(announced["upload_url"], data=b"mil") as short:
        assert short.status == 400
    twin.channel("C3", "elsewhere", members=["U1"], bot=False)
    upload = client.files_upload_v2(channel="C3", file_uploads=[{"filename": "a.txt", "content": "milk"}])
    assert await refusal(upload) == "not_in_channel"
    assert await refusal(client.files_getUploadURLExternal(filename="a.txt", length=0)) == "invalid_arguments"
    assert twin.messages("C3") == []


async def test_sending_files_needs_a_scope() -> None:
    """Without `files:write` no file is taken, and the answer names the scope."""
    async with SlackTwin(scopes={"chat:write"}) as twin:
        furnish(twin)
        with pytest.raises(SlackApiError) as caught:
            await web(twin).files_getUploadURLExternal(filename="a.txt", length=4)

    assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "files:write")


async def test_files_come_with_a_protected_address(twin: SlackTwin) -> None:
    """A shared file arrives as `file_share`, and only the bot token may download it."""
    await twin.says("U1", "D1", "look", files=[twin.file("notes.txt", b"remember the milk")])
    event = twin.events[-1].inner
    async with aiohttp.ClientSession() as session:
        url, right = event["files"][0]["url_private"], {"Authorization": f"Bearer {twin.bot_token}"}
        async with session.get(url) as refused, session.get(url, headers=right) as given:
            assert (refused.status, await given.read()) == (404, b"remember the milk")

    assert event["subtype"] == "file_share"


# -- the Web API ------------------------------------------------------------------------------------------------------


async def test_the_bot_hears_of_its_own_posts(twin: SlackTwin) -> None:
    """What the bot posts and updates comes back as events of its own, which Bolt acks and drops."""
    async with listening(twin) as app:
        heard = collect(app, "message")
        ts = (await app.client.chat_postMessage(channel="C1", text="hi"))["ts"]
        await app.client.chat_update(channel="C1", ts=ts, text="hello")
        await twin.settled()

    post, update = (event.inner for event in twin.events)
    assert (post["user"], post["bot_id"], post["ts"]) == ("U0BOT", "B0BOT", ts)
    assert (update["subtype"], update["message"]["text"]) == ("message_changed", "hello")
    assert heard == []
    assert [ack.late for ack in twin.acks] == [False, False]
    assert [(p.kind, p.args["text"]) for p in twin.posts] == [("post", "hi"), ("update", "hello")]
    assert twin.messages("C1")[0].shown == ["hi", "hello"]


async def test_arguments_arrive_in_every_form(twin: SlackTwin) -> None:
    """A JSON body, a form, a multipart body and a query mean the same."""
    client = web(twin)
    given = {"channel": "C1", "text": "hi", "blocks": json.dumps(ASK)}
    await client.api_call("chat.postMessage", json=given | {"blocks": ASK})
    await client.api_call("chat.postMessage", data=given)
    await client.api_call("chat.postMessage", data=given, files={"odd": io.BytesIO(b"\xff")})
    await client.api_call("chat.postMessage", params=given)

    assert [(m.text, m.blocks) for m in twin.messages("C1")] == [("hi", ASK)] * 4


async def test_tokens_are_checked(twin: SlackTwin) -> None:
    """Each method wants its own kind of token, and a revoked one is refused."""
    client = web(twin)
    assert await refusal(web(twin, token="xoxb-other").auth_test()) == "invalid_auth"
    assert await refusal(web(twin, token=None).auth_test()) == "not_authed"
    assert await refusal(web(twin, token=twin.app_token).auth_test()) == "not_allowed_token_type"
    assert await refusal(client.apps_connections_open(app_token=twin.bot_token)) == "not_allowed_token_type"
    twin.revoke()
    assert await refusal(client.auth_test()) == "token_revoked"


async def test_scopes_are_checked() -> None:
    """A call without its scope names the one it needs, by the kind of conversation where that matters."""
    async with SlackTwin(scopes={"chat:write", "channels:history"}) as twin:
        furnish(twin)
        client = web(twin)
        await client.chat_postMessage(channel="C1", text="hi")
        await client.conversations_history(channel="C1")
        with pytest.raises(SlackApiError) as caught:
            await client.conversations_history(channel="D1")
        assert caught.value.response["needed"] == "im:history"
        assert await refusal(client.users_info(user="U1")) == "missing_scope"


async def test_unknown_methods_and_missing_arguments(twin: SlackTwin) -> None:
    """A method that does not exist, or was withdrawn, is unknown; a missing argument is invalid."""
    client = web(twin)
    twin.withdrawn.add("agents.sessions.setStatus")
    assert await refusal(client.api_call("chat.shout")) == "unknown_method"
    assert await refusal(client.agents_sessions_setStatus(channel_id="D1", status="active")) == "unknown_method"
    assert await refusal(client.api_call("chat.postMessage", json={"text": "hi"})) == "invalid_arguments"


@pytest.mark.parametrize(
    ("code", "args"),
    [
        ("channel_not_found", {"channel": "C9", "text": "hi"}),
        ("channel_not_found", {"channel": "G1", "text": "hi"}),
        ("not_in_channel", {"channel": "C2", "text": "hi"}),
        ("is_archived", {"channel": "C3", "text": "hi"}),
        ("no_text", {"channel": "C1", "text": " "}),
        ("msg_too_long", {"channel": "C1", "text": "x" * 40_001}),
        ("msg_too_long", {"channel": "C1", "markdown_text": "x" * 12_001}),
        ("markdown_text_conflict", {"channel": "C1", "text": "hi", "markdown_text": "hi"}),
        ("thread_not_found", {"channel": "C1", "text": "hi", "thread_ts": "1.000000"}),
        ("cannot_dm_bot", {"channel": "U0BOT", "text": "hi"}),
        ("invalid_blocks_format", {"channel": "C1", "text": "hi", "blocks": "[{"}),
        (
            "metadata_too_large",
            {"channel": "C1", "text": "hi", "metadata": {"event_type": "a", "event_payload": {"b": "x" * 9_000}}},
        ),
        ("invalid_metadata_format", {"channel": "C1", "text": "hi", "metadata": {"event_type": "a"}}),
    ],
)
async def test_posts_are_refused(twin: SlackTwin, code: str, args: Any) -> None:
    """A post that Slack refuses is refused with Slack's code and leaves no trace."""
    twin.channel("G1", "secret", kind="private", bot=False)
    twin.channel("C2", "far", bot=False)
    twin.channel("C3", "old", archived=True)

    assert await refusal(web(twin).api_call("chat.postMessage", json=args)) == code
    assert twin.posts == []


def section(length: int) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}}


@pytest.mark.parametrize(
    ("code", "blocks"),
    [
        ("invalid_blocks", [{"type": "divider"}] * 51),
        ("invalid_blocks", [{"type": "headline"}]),
        ("invalid_blocks", [section(3_001)]),
        ("invalid_blocks", [section(0)]),
        ("invalid_blocks", [{"type": "section"}]),
        ("invalid_blocks", [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]),
        ("invalid_blocks", [{"type": "actions", "elements": [BUTTON | {"value": "x" * 2_001}]}]),
        ("invalid_blocks", [{"type": "actions", "elements": [BUTTON | {"action_id": "x" * 256}]}]),
        ("invalid_blocks", [{"type": "actions", "elements": [BUTTON, BUTTON]}]),
        ("invalid_blocks", [{"type": "actions", "elements": [BUTTON] * 26}]),
        ("invalid_blocks", [{"type": "actions", "elements": [BUTTON | {"text": section(76)["text"]}]}]),
        ("invalid_blocks", [{"type": "actions", "elements": [BUTTON | {"accessibility_label": "x" * 76}]}]),
        ("invalid_blocks", [{"type": "context", "elements": [section(3_001)["text"]]}]),
        ("invalid_blocks", [{"type": "context", "elements": [section(0)["text"]]}]),
        ("invalid_blocks", [{"type": "context", "elements": [section(1)["text"]] * 11}]),
        ("invalid_blocks", [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]),
        ("msg_blocks_too_long", [section(2_900)] * 5),
        ("msg_blocks_too_long", [{"type": "markdown", "text": "x" * 6_500}] * 2),
    ],
)
async def test_blocks_are_refused(twin: SlackTwin, code: str, blocks: list[Json]) -> None:
    """Blocks beyond Slack's limits are refused, with a pointer to what is wrong."""
    with pytest.raises(SlackApiError) as caught:
        await web(twin).chat_postMessage(channel="C1", text="hi", blocks=blocks)

    assert caught.value.response["error"] == code
    assert code == "msg_blocks_too_long" or "json-pointer:/blocks" in str(caught.value)


async def test_updates_and_deletions_are_refused(twin: SlackTwin) -> None:
    """Only messages of the bot that are still there can be changed, with a text of at most 4,000 characters."""
    client = web(twin)
    theirs = await twin.says("U1", "C1", "mine")
    ours = (await client.chat_postMessage(channel="C1", text="hi"))["ts"]

    assert await refusal(client.chat_update(channel="C1", ts=theirs, text="x")) == "cant_update_message"
    assert await refusal(client.chat_delete(channel="C1", ts=theirs)) == "cant_delete_message"
    assert await refusal(client.chat_update(channel="C1", ts=ours, text="x" * 4_001)) == "msg_too_long"
    twin.workspace.edit_window_s = 60
    twin.now += 61
    assert await refusal(client.chat_update(channel="C1", ts=ours, text="x")) == "edit_window_closed"
    await client.chat_delete(channel="C1", ts=ours)
    assert await refusal(client.chat_update(channel="C1", ts=ours, text="x")) == "message_not_found"


async def test_new_text_takes_old_blocks_away(twin: SlackTwin) -> None:
    """An update with text alone removes the blocks, one with blocks alone keeps the text."""
    client = web(twin)
    ts = (await client.chat_postMessage(channel="C1", text="old", blocks=[section(3)]))["ts"]
    await client.api_call("chat.update", json={"channel": "C1", "ts": ts, "blocks": [section(5)]})
    assert (twin.messages("C1")[0].text, twin.messages("C1")[0].visible) == ("old", "xxxxx")
    await client.chat_update(channel="C1", ts=ts, text="new")

    assert (twin.messages("C1")[0].visible, twin.messages("C1")[0].blocks) == ("new", [])


async def test_ephemerals_need_a_reader_who_is_there(twin: SlackTwin) -> None:
    """An ephemeral message reaches one member of the conversation, and nobody else sees it."""
    client = web(twin)
    twin.member("U3", "cho")
    await client.chat_postEphemeral(channel="C1", user="U2", text="psst")

    assert [m.text for m in twin.ephemerals("U2")] == ["psst"]
    assert twin.messages("C1") == twin.ephemerals("U1") == []
    assert await refusal(client.chat_postEphemeral(channel="C1", user="U3", text="psst")) == "user_not_in_channel"


async def test_a_stream_grows_until_it_is_stopped(twin: SlackTwin) -> None:
    """The SDK's stream shows a growing message, ends with its metadata, and takes nothing afterwards."""
    client = web(twin)
    root = await twin.says("U1", "C1", "why?")
    refused = client.chat_startStream(channel="C1", thread_ts=root)
    assert await refusal(refused) == "missing_recipient_user_id"
    stream = await client.chat_stream(
        channel="C1", thread_ts=root, recipient_user_id="U1", recipient_team_id="T1", buffer_size=4
    )
    for text in ("Beca", "use ", "so"):
        await stream.append(markdown_text=text)
    assert await refusal(client.chat_update(channel="C1", ts=stream.ts or "", text="x")) == "streaming_state_conflict"
    await stream.stop(metadata=Metadata("answer", {"id": "1"}))

    message = twin.messages("C1", thread=root)[-1]
    assert (message.text, message.streaming) == ("Because so", "completed")
    assert message.shown == ["Beca", "Because ", "Because so"]
    late = client.chat_appendStream(channel="C1", ts=message.ts, markdown_text="x")
    assert await refusal(late) == "message_not_in_streaming_state"


async def test_a_stream_ends_by_the_member_or_by_age(twin: SlackTwin) -> None:
    """A member's stop ends the streams of the thread and tells the app; age ends a stream without a word."""
    client = web(twin)
    root = await twin.says("U1", "D1", "why?")
    stopped = (await client.chat_startStream(channel="D1", thread_ts=root))["ts"]
    await twin.stops("U1", "D1", root)
    old = (await client.chat_startStream(channel="D1", thread_ts=root))["ts"]
    twin.now += 301

    assert twin.events[-2].inner["streaming_message_ts"] == [stopped]
    assert await refusal(client.chat_stopStream(channel="D1", ts=stopped)) == "stopped_by_user"
    assert await refusal(client.chat_stopStream(channel="D1", ts=old)) == "message_not_in_streaming_state"


async def test_history_is_paged_and_hides_metadata(twin: SlackTwin) -> None:
    """History comes newest first in pages, replies oldest first below their root, and metadata only when asked for."""
    client = web(twin)
    root = await twin.says("U1", "C1", "root")
    await client.chat_postMessage(channel="C1", text="reply", thread_ts=root, metadata=Metadata("answer", {"id": "1"}))
    later = [await twin.says("U1", "C1", text) for text in ("a", "b", "c")]

    pages = [page["messages"] async for page in await client.conversations_history(channel="C1", limit=2)]
    assert [[m["text"] for m in page] for page in pages] == [["c", "b"], ["a", "root"]]
    after = await client.conversations_history(channel="C1", oldest=later[0], inclusive=True)
    assert [m["text"] for m in after["messages"]] == ["c", "b", "a"]
    bare = (await client.conversations_replies(channel="C1", ts=root))["messages"]
    whole = (await client.conversations_replies(channel="C1", ts=root, include_all_metadata=True))["messages"]
    assert [m["text"] for m in bare] == ["root", "reply"]
    assert bare[1]["metadata"] == {"event_type": "answer"}
    assert whole[1]["metadata"]["event_payload"] == {"id": "1"}
    assert await refusal(client.conversations_replies(channel="C1", ts="1.0")) == "thread_not_found"


async def test_history_may_be_capped(twin: SlackTwin) -> None:
    """With a cap set, a page has no more than that, whatever is asked for, and says that there is more."""
    twin.workspace.history_cap = 15
    root = await twin.says("U1", "C1", "root")
    for number in range(20):
        await twin.says("U1", "C1", str(number), thread=root)
        await twin.says("U1", "C1", str(number))
    client = web(twin)
    pages = [
        await client.conversations_history(channel="C1", limit=200),
        await client.conversations_replies(channel="C1", ts=root, limit=200),
    ]

    assert [(len(page["messages"]), page["has_more"]) for page in pages] == [(15, True), (15, True)]


async def test_history_may_lag(twin: SlackTwin) -> None:
    """With a lag set, history does not show what was posted a moment ago."""
    twin.workspace.history_lag_s = 5
    await twin.says("U1", "C1", "fresh")
    client = web(twin)
    assert (await client.conversations_history(channel="C1"))["messages"] == []
    twin.now += 6

    assert len((await client.conversations_history(channel="C1"))["messages"]) == 1


async def test_people_and_places_can_be_looked_up(twin: SlackTwin) -> None:
    """Members, guests, conversations and direct messages are described as Slack describes them."""
    client = web(twin)
    ana, ben = [(await client.users_info(user=user))["user"] for user in ("U1", "U2")]
    info = (await client.conversations_info(channel="C1", include_num_members=True))["channel"]

    assert (ana["tz"], ana["profile"]["email"], ana["is_restricted"]) == ("Europe/Amsterdam", "ana@example.org", False)
    assert (ben["team_id"], ben["is_ultra_restricted"]) == ("T2", True)
    assert (info["name"], info["num_members"], info["is_ext_shared"]) == ("team", 3, False)
    assert (await client.conversations_members(channel="C1"))["members"] == ["U1", "U2", "U0BOT"]
    assert (await client.conversations_open(users="U1"))["channel"]["id"] == "D1"
    assert not (await client.conversations_open(users=["U1", "U2"]))["already_open"]
    assert await refusal(client.conversations_open(users="U0BOT")) == "cannot_dm_bot"
    assert await refusal(client.users_info(user="U9")) == "user_not_found"


async def test_statuses_titles_and_prompts(twin: SlackTwin) -> None:
    """Both ways to show that the bot works are kept, and a reply clears the status."""
    client = web(twin)
    root = await twin.says("U1", "D1", "why?")
    await client.assistant_threads_setTitle(channel_id="D1", thread_ts=root, title="Why")
    await client.assistant_threads_setSuggestedPrompts(channel_id="D1", prompts=[{"title": "a", "message": "b"}])
    await client.assistant_threads_setStatus(channel_id="D1", thread_ts=root, status="is thinking")
    assert twin.workspace.statuses == {("D1", root): "is thinking"}
    answer = await client.agents_sessions_setStatus(channel_id="D1", thread_ts=root, status="processing")
    assert answer["agent_status"] == "processing"
    await client.chat_postMessage(channel="D1", thread_ts=root, text="because")

    assert twin.workspace.statuses == {}
    assert twin.workspace.titles == {("D1", root): "Why"}
    wrong = client.assistant_threads_setStatus(channel_id="D1", thread_ts="1.0", status="x")
    assert await refusal(wrong) == "invalid_thread_ts"


async def test_reactions(twin: SlackTwin) -> None:
    """The bot adds and removes a reaction once each."""
    client = web(twin)
    ts = await twin.says("U1", "C1", "hi")
    await client.reactions_add(channel="C1", timestamp=ts, name="eyes")
    assert twin.messages("C1")[0].reactions == {"eyes": ["U0BOT"]}
    assert await refusal(client.reactions_add(channel="C1", timestamp=ts, name="eyes")) == "already_reacted"
    await client.reactions_remove(channel="C1", timestamp=ts, name="eyes")

    assert await refusal(client.reactions_remove(channel="C1", timestamp=ts, name="eyes")) == "no_reaction"


@pytest.mark.parametrize(
    ("whom", "args"),
    [
        ("channel", {"text": "<!channel> hi"}),
        ("here", {"text": "<!here|here>"}),
        ("U1", {"text": "<@U1|ana>"}),
        ("S1", {"text": "<!subteam^S1|@team>"}),
        ("everyone", {"text": "x", "blocks": [{"type": "markdown", "text": "a <!everyone>"}]}),
        ("U1", {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<@U1>"}}]}),
        ("here", {"text": "@here", "link_names": True}),
        (None, {"text": "&lt;!channel&gt; @here me@here.org <https://example.org|@channel>"}),
        (None, {"text": "x", "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "<@U1>"}}]}),
    ],
)
async def test_pings_are_noticed(twin: SlackTwin, whom: str | None, args: Any) -> None:
    """A mention that notifies is recorded wherever it stands, and escaped or plain text is not."""
    await web(twin).chat_postMessage(channel="C1", **args)

    assert [ping.whom for ping in twin.pings] == ([whom] if whom else [])


async def test_a_mention_split_over_a_stream_is_noticed(twin: SlackTwin) -> None:
    """A mention that only comes together in a later chunk still counts."""
    client = web(twin)
    root = await twin.says("U1", "D1", "why?")
    ts = (await client.chat_startStream(channel="D1", thread_ts=root, markdown_text="<!chan"))["ts"]
    assert twin.pings == []
    await client.chat_appendStream(channel="D1", ts=ts, markdown_text="nel>")

    assert [ping.whom for ping in twin.pings] == ["channel"]


async def test_timestamps_only_grow(twin: SlackTwin) -> None:
    """Timestamps are the same in every run, grow strictly, and follow the clock a test sets."""
    first, second = await twin.says("U1", "C1", "a"), await twin.says("U1", "C1", "b")
    twin.now += 60
    third = await twin.says("U1", "C1", "c")
    twin.now -= 60
    fourth = await twin.says("U1", "C1", "d")

    assert first == "1700000000.000100"
    assert third == "1700000060.000100"
    assert first < second < third < fourth


async def test_limits_and_faults_reach_the_client(twin: SlackTwin) -> None:
    """A scripted 429 answers once, with a time to wait or without; a reset leaves a post that nobody was told of."""
    client = web(twin)
    twin.limit("chat.postMessage", retry_after_s=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C1", text="hi")
    assert caught.value.response.headers["Retry-After"] == "7"
    twin.limit("chat.postMessage", retry_after_s=None)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C1", text="hi")
    assert "Retry-After" not in caught.value.response.headers
    twin.fault("POST", "/api/chat.postMessage", Fault(reset_after=True))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C1", text="hi")

    assert [m.text for m in twin.messages("C1")] == ["hi"]
    assert len(twin.calls("chat.postMessage")) == 3
