"""B21: whatever comes from a platform, a member, a model or an operator, nothing breaks, hangs or grows.

What a member can type may surprise nobody: not one line of an error that is none of ours. What only a platform could
get wrong may be refused, and after it everything works as before.
"""

import html
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bot import logs
from bot.messages import Member, Room, TenantId
from bot.views import FORM
from persona import schema
from persona.errors import ProposalError, SchemaError
from persona.optimizer import Optimizer
from persona.ports import StructuredReply, Usage
from tests.journeys.processes import python
from tests.journeys.worlds import DiscordWorld, SlackWorld, world
from tests.journeys.worlds_http import http_world
from tests.models import ScriptedModel
from tests.persona.builders import WORKPLACE, line, session
from tests.reliability import forging
from tests.reliability.fuzzing import Fuzzing, mebibytes, overheard
from tests.reliability.hostile import WORDS, altered, values, words
from tests.reliability.prop import Property, Report, Trial
from tests.twins.anthropic import Reply
from tests.twins.server import Fault
from tests.twins.slack import payloads

GROWTH_MIB = 50.0
READY_S = 30.0
WARM_UP = 40
"""Messages, each of its kind at least once: what is built on first use stays."""
LONGEST_REPLY = 16_000
"""Characters: about as many as a model may write in one answer."""
LONGEST_ON_DISCORD = 1_900
TENANT = TenantId("slack:T1")
ANA = Member(tenant=TENANT, id="U1", name="Ana")
ROOM = Room(tenant=TENANT, channel="C1", kind="public")


async def run(trial: Trial) -> Report:
    """Try each way in, one after the other."""
    logs.use_standard_library()
    fuzzing, size = Fuzzing(trial), trial.size
    await _papers(fuzzing, size["papers"])
    async with _running("slack", fuzzing) as slack:
        assert isinstance(slack, SlackWorld)
        await _typed(fuzzing, slack, size["typed"])
        await _posted(fuzzing, slack, size["typed"])
        await _envelopes(fuzzing, slack, size["envelopes"])
        await _answers(fuzzing, slack, size["answers"])
    async with _running("discord", fuzzing) as discord:
        assert isinstance(discord, DiscordWorld)
        await _gateway(fuzzing, discord, size["gateway"])
        await _answers_of_discord(fuzzing, discord, size["answers"])
    forged = await _forged(trial, fuzzing)
    growth = await _growth(trial, size["process"])
    if growth > GROWTH_MIB:
        fuzzing.faults.append(f"memory grew by {growth:.0f} MiB")
    figures: dict[str, str | int | float] = {
        "inputs": fuzzing.examples,
        "forged": forged,
        "slowest_ms": round(fuzzing.slowest_s * 1000),
        "slowest": fuzzing.slowest,
        "grown_mib": round(growth, 1),
    }
    return Report(figures=figures, faults=fuzzing.faults)


@asynccontextmanager
async def _running(platform: str, fuzzing: Fuzzing) -> AsyncIterator[Any]:
    """Rapport on a platform; afterwards it still answers."""
    with tempfile.TemporaryDirectory(prefix="rapport-") as folder:
        async with world(platform, Path(folder)) as made, made.running(persona_consent="on"):
            yield made
            post = await made.says("Ana", "are you still there?")
            if await made.answered(post) != "An answer.":
                fuzzing.faults.append(f"after it, a message on {platform} is not answered")


# -- what an operator and a model write -------------------------------------------------------------------------------


async def _papers(fuzzing: Fuzzing, examples: int) -> None:
    """Schema files are used or refused with a reason; a model's proposals are taken or refused as a whole."""
    shipped: dict[str, Any] = {one.section: {} for one in WORKPLACE.fields} | {
        "preferences": {"color": {"type": "single", "description": "d"}}
    }
    optimizer = Optimizer(model=ScriptedModel(), schema=WORKPLACE)
    said = session(line("I moved to Berlin and I use vim."))
    proposed = {
        "operations": [{"op": "set", "field": "location", "value": "Berlin", "evidence": ["m1 I moved to Berlin"]}] * 2
    }

    async def declared(tables: Any) -> None:
        try:
            schema.parse(tables, name="hostile")
        except SchemaError:
            return

    async def written(text: str) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".toml", errors="surrogatepass") as file:
            file.write(text)
            file.flush()
            try:
                schema.load(file.name)
            except SchemaError:
                return

    async def answered(text: str) -> None:
        reply = StructuredReply(text=text, usage=Usage(model="m", input_tokens=1, output_tokens=1))
        try:
            optimizer.update(reply, [said], fences={})
        except ProposalError:
            return

    as_json = st.one_of(values(), altered(proposed)).map(json.dumps)
    await fuzzing.tried("a schema", altered(shipped), declared, examples=examples)
    await fuzzing.tried("a schema file", words(), written, examples=examples)
    await fuzzing.tried("a model's proposals", st.one_of(as_json, words()), answered, examples=examples)


# -- what a member types ----------------------------------------------------------------------------------------------


async def _typed(fuzzing: Fuzzing, made: SlackWorld, examples: int) -> None:
    """Whatever follows a verb, stands in a button or is filled into a form, there is something to show."""
    commands = made.core.commands
    verbs = st.sampled_from(
        [
            "show",
            "why",
            "used",
            "history",
            "add",
            "edit",
            "forget",
            "undo",
            "consent",
            "pause",
            "resume",
            "observe",
            "offers",
            "privacy",
            "export",
            "link",
            "unlink",
            "help",
            "widen",
            "special",
            "budget",
            "",
        ]
    )
    fields = st.sampled_from(["", "location", "tools", "response_language", "all", "0"])

    async def done(said: tuple[str, str, str]) -> None:
        verb, field, rest = said
        await commands.run(f"{verb} {field} {rest}", ANA, room=ROOM)
        await commands.administer(f"{verb} {rest}", ANA, room=ROOM)
        await commands.press(f"{verb}:{field}:{rest}", ANA, room=ROOM)
        await commands.form(f"{FORM}{verb}:{rest}", ANA, room=ROOM)
        await commands.fill(f"{verb}:{rest}", {"field": field, "value": rest, rest: verb}, ANA, room=ROOM)

    await fuzzing.tried("a command", st.tuples(verbs, fields, words()), done, examples=examples)


async def _posted(fuzzing: Fuzzing, made: SlackWorld, examples: int) -> None:
    """Whatever words a message has, it is acknowledged and answered, and nobody is surprised."""
    with overheard() as heard:

        async def said(text: str) -> None:
            heard.clear()
            made.claude.default = Reply(text=_without_halves(text)[:LONGEST_REPLY] or "An answer.")
            await made.twin.says("U1", "C1", f"<@U0BOT> {html.escape(text, quote=False)}", emits=("app_mention",))
            await made.quiet()
            _forget(made)
            assert not heard, f"there was {heard[0]}"

        await fuzzing.tried("a message, and a model that repeats it", words(), said, examples=examples)
    made.claude.default = "An answer."


def _forget(made: SlackWorld) -> None:
    """Keep nothing in the twins, whose memory is this process's too."""
    for kept in (made.twin.ledger, made.twin.events, made.twin.acks, made.twin.posts, made.claude.ledger):
        kept.clear()
    for asked in (made.claude.requests, made.claude.finished):
        asked.clear()
    made.twin.workspace.messages["C1"].clear()


# -- what only a platform could get wrong -----------------------------------------------------------------------------


async def _envelopes(fuzzing: Fuzzing, made: SlackWorld, examples: int) -> None:
    """Whatever an event lacks or holds, it is acknowledged: to deliver it again would not make it better.

    What the SDK itself stumbles over never reaches us, and nobody acknowledges it.
    """
    event = st.sampled_from(_events(made)).flatmap(
        lambda payload: altered(payload["event"]).map(lambda inner: {**payload, "event": inner})
    )
    asked = st.sampled_from(_asked(made)).flatmap(altered)

    async def happens(payload: Any) -> None:
        frame = {"type": "events_api", "accepts_response_payload": False, "payload": payload}
        heard.clear()
        ack = await made.twin.offer("events_api", frame)
        await made.core.lanes.drained()
        _forget(made)
        assert ack or any(one.startswith("slack_") for one in heard), "it was not acknowledged"

    async def is_asked(payload: Any) -> None:
        kind: Any = "interactive" if "type" in payload else "slash_commands"
        await made.twin.offer(kind, {"type": kind, "accepts_response_payload": True, "payload": payload})

    made.twin.ack_timeout_s = 1.0
    with overheard() as heard:
        await fuzzing.tried("an event", event, happens, examples=examples)
    made.twin.ack_timeout_s = 0.1
    await fuzzing.tried("an interaction", asked, is_asked, examples=examples // 4)
    made.twin.ack_timeout_s = 2.0


def _events(made: SlackWorld) -> list[Any]:
    """One of each event that we do something about."""
    space = made.twin.workspace
    said = {
        "type": "message",
        "user": "U1",
        "text": "<@U0BOT> hi",
        "ts": "1700000000.000100",
        "channel": "C1",
        "channel_type": "channel",
        "team": "T1",
        "event_ts": "1700000000.000100",
    }
    changed = {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "channel_type": "channel",
        "ts": "1700000001.000100",
        "message": said,
        "previous_message": said | {"text": "other"},
    }
    deleted = {
        "type": "message",
        "subtype": "message_deleted",
        "channel": "C1",
        "channel_type": "channel",
        "ts": "1700000001.000200",
        "deleted_ts": "1700000000.000100",
        "previous_message": said,
    }
    left = {"type": "user_change", "user": payloads.user_json(space.members["U2"]) | {"deleted": False}}
    closed = {"type": "channel_archive", "channel": "C9", "user": "U1"}
    joined = {"type": "member_joined_channel", "channel": "C1", "user": "U1", "team": "T1"}
    inner = (said, {**said, "type": "app_mention"}, changed, deleted, left, closed, joined)
    return [payloads.event_callback(space, one) for one in inner]


def _asked(made: SlackWorld) -> list[Any]:
    """One of each interaction."""
    space = made.twin.workspace
    ana, room = space.members["U1"], space.channels["C1"]
    command = payloads.command_payload(space, ana, room, "/persona", "show")
    url = f"{made.twin.url}/response/none"
    action = {"type": "button", "action_id": "rapport:show:0", "block_id": "b", "value": "v", "action_ts": "1.1"}
    press = payloads.interaction(space, ana, "block_actions") | {
        "actions": [action],
        "container": {"type": "message", "channel_id": "C1"},
        "channel": {"id": "C1"},
        "response_url": url,
    }
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": "rapport:add",
        "private_metadata": "",
        "blocks": [],
        "state": {"values": {"field": {"field": {"type": "plain_text_input", "value": "x"}}}},
        "hash": "h",
    }
    filled = payloads.interaction(space, ana, "view_submission") | {"view": view}
    return [command | {"response_url": url, "trigger_id": "1.1"}, press, filled]


async def _answers(fuzzing: Fuzzing, made: SlackWorld, examples: int) -> None:
    """Whatever Slack answers to a call, the message that it was made for is answered once Slack answers as it does."""
    paths = st.sampled_from(
        [
            ("POST", "chat.postMessage"),
            ("GET", "conversations.info"),
            ("GET", "users.info"),
            ("GET", "users.list"),
            ("GET", "conversations.members"),
            ("GET", "conversations.replies"),
        ]
    )
    bodies = st.one_of(
        values().map(json.dumps).map(str.encode),
        st.dictionaries(st.sampled_from(["ok", "ts", "channel", "members", "messages", "user"]), values()).map(
            lambda found: json.dumps({"ok": True, **found}).encode()
        ),
        st.binary(max_size=200),
    )

    async def is_answered(drawn: tuple[tuple[str, str], bytes, int]) -> None:
        (method, path), body, status = drawn
        typed = {"Content-Type": "application/json"}
        made.twin.fault(method, f"/api/{path}", Fault(status=status, body=body, headers=typed, times=2))
        post = await made.says("Ana", "hello")
        await made.quiet()
        for _ in range(3):
            made.pass_time(minutes=2)
            await made.core.intake.recover()
            await made.core.lanes.drained()
        made.twin._faults.clear()
        assert made.replies(post)

    drawn = st.tuples(paths, bodies, st.sampled_from([200, 200, 200, 400, 404, 500]))
    await fuzzing.tried("an answer of Slack's", drawn, is_answered, examples=examples)


async def _gateway(fuzzing: Fuzzing, made: DiscordWorld, examples: int) -> None:
    """Whatever words a message on Discord has, it is answered; whatever the gateway sends, we come back after it."""
    with overheard() as heard:

        async def said(text: str) -> None:
            heard.clear()
            post = await made.says("Ana", text[:LONGEST_ON_DISCORD])
            await made.answered(post)
            assert not heard, f"there was {heard[0]}"

        await fuzzing.tried("a message on Discord", words().map(_without_halves), said, examples=examples)
    await made.delivered()
    frames = [
        event for session in made.twin.gateway.sessions.values() for event in session.events if event["t"] != "READY"
    ]

    async def comes(frame: Any) -> None:
        known = len(made.twin.gateway.sessions)
        await made.twin.send_raw(frame["t"], frame["d"])
        post = await made.says("Ana", "hello")
        await made.twin.wait_for(lambda: made.replies(post) or len(made.twin.gateway.sessions) > known)
        await made.delivered()

    changed = st.sampled_from(frames).flatmap(lambda frame: altered(frame["d"]).map(lambda data: {**frame, "d": data}))
    await fuzzing.tried("an event of Discord's", changed, comes, examples=examples)


async def _answers_of_discord(fuzzing: Fuzzing, made: DiscordWorld, examples: int) -> None:
    """Whatever Discord answers to a call, the message that it was made for is answered once Discord answers as it does.

    Answers with another status are taken for what they are: a refusal, or a failure that the SDK itself waits out.
    """
    calls = st.sampled_from([("POST", "/messages"), ("POST", "/typing")])
    bodies = st.one_of(
        values().map(json.dumps).map(str.encode),
        st.dictionaries(st.sampled_from(["id", "channel_id", "author", "content", "embeds", "code"]), values()).map(
            lambda found: json.dumps(found).encode()
        ),
        st.binary(max_size=200),
    )

    async def is_answered(drawn: tuple[tuple[str, str], bytes]) -> None:
        (method, path), body = drawn
        typed = {"Content-Type": "application/json"}
        made.twin.fault(method, path, Fault(status=200, body=body, headers=typed, times=2))
        post = await made.says("Ana", "hello")
        await made.twin.wait_for(lambda: made.replies(post) or not made.twin._faults)
        await made.core.lanes.drained()
        for _ in range(3):
            made.pass_time(minutes=2)
            await made.core.intake.recover()
            await made.core.lanes.drained()
        made.twin._faults.clear()
        assert made.replies(post)

    await fuzzing.tried("an answer of Discord's", st.tuples(calls, bodies), is_answered, examples=examples)


async def _forged(trial: Trial, fuzzing: Fuzzing) -> int:
    """Nothing that Slack did not sign just now is taken, and what it signs still is. Returns how much was refused."""
    with tempfile.TemporaryDirectory(prefix="rapport-") as folder:
        async with http_world(Path(folder)) as made, made.running(persona_consent="on"):
            assert made.twin.request_url is not None
            event = payloads.event_callback(
                made.twin.workspace,
                {
                    "type": "app_mention",
                    "user": "U1",
                    "text": "<@U0BOT> forged",
                    "ts": "1700000000.000900",
                    "channel": "C1",
                    "team": "T1",
                    "event_ts": "1700000000.000900",
                },
            )
            size = trial.size
            sent = forging.requests(
                event, chance=trial.chance("forged"), forged=size["forged"], replayed=size["replays"]
            )
            number, accepted = await forging.taken(made.twin.request_url.url, sent)
            await made.quiet()
            fuzzing.faults += [f"taken though Slack did not sign it just now: {one}" for one in accepted]
            if made.claude.requests:
                fuzzing.faults.append("something that Slack did not sign was answered")
            post = await made.says("Ana", "are you still there?")
            if await made.answered(post) != "An answer.":
                fuzzing.faults.append("after forged requests, what Slack signs is not answered")
    return number


def _without_halves(text: str) -> str:
    """As what is text on the wire has to be: no lone surrogate."""
    return text.encode("utf-8", "replace").decode()


# -- memory -----------------------------------------------------------------------------------------------------------


async def _growth(trial: Trial, messages: int) -> float:
    """By how many MiB a process of Rapport's own grows, once warm, over messages with everything that breaks things."""
    random = trial.chance("memory")
    async with world("slack", trial.folder) as made:
        assert isinstance(made, SlackWorld)
        environment = {**made.environment(), "PERSONA_CONSENT": "on", "LOG_LEVEL": "error"}
        async with python("-m", "bot", folder=trial.folder, environment=environment) as process:
            await made.twin.connected(timeout_s=READY_S)
            sizes = []
            for number in range(WARM_UP + messages):
                text = html.escape(random.choice(WORDS), quote=False)
                post = await made.says("Ana", f"{number} {text}")
                await made.twin.wait_for(partial(made.replies, post), timeout_s=READY_S)
                sizes.append(mebibytes(process.id))
        return max(sizes[WARM_UP:]) - sizes[WARM_UP - 1]


PROPERTY = Property(
    name="input_fuzz",
    reference="B21",
    promise="No input ends, hangs or bloats Rapport, and what a member types surprises nobody.",
    run=run,
    quick={
        "papers": 40,
        "typed": 25,
        "envelopes": 50,
        "answers": 12,
        "gateway": 12,
        "process": 20,
        "forged": 300,
        "replays": 60,
    },
    full={
        "papers": 20_000,
        "typed": 10_000,
        "envelopes": 20_000,
        "answers": 2_000,
        "gateway": 3_000,
        "process": 3_000,
        "forged": 10_000,
        "replays": 1_000,
    },
    engines=(),
)
