"""Special categories in a whole Rapport: asked once, agreed to by a button, kept for a while, and gone after it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import agreements, due
from bot.commands import special as verb
from bot.commands import wording
from bot.commands.command import OUTDATED
from bot.core import Core
from bot.due import Due
from bot.messages import Deletion, Member, Message, MessageId, Room, TenantId
from bot.store import sessions
from bot.store.batches import Asked
from bot.store.engine import Store
from bot.views import Button, Form, View
from persona import audit, special
from persona.persona import MemberKey
from persona.ports import StructuredReply, StructuredRequest, Transaction, Value
from persona.special import LIFE, Agreement
from tests.bot.commands.members import ANA, BEN, everything, texts
from tests.bot.desk import DIRECT, room
from tests.bot.talk import proposes
from tests.clock import NOON, StillClock
from tests.models import ScriptedModel
from tests.persona.builders import rows
from tests.privacy.house import House, wire
from tests.privacy.watched import watched

SAID = "I am diabetic"
DIABETIC = proposes(("add", "health", "diabetic", "m1", SAID))
EVERY = "health, belief, union"


class Clinic(House):
    """A house where what members say of their health may be kept, and what can be done in it."""

    model: ScriptedModel

    def __init__(self, core: Core, clock: StillClock) -> None:
        super().__init__(core, clock)
        core.adapters.update({"discord": self.rooms, "terminal": self.rooms})

    async def says(self, text: str, *, by: Member = ANA, where: Room = DIRECT) -> Message:
        self.rooms.kinds[where.tenant, where.channel] = where.kind
        message = self.message(by, where, text)
        assert await self.intake.accept(message)
        await self.lanes.drained()
        return message

    def goes_on_after(self, messages: int) -> None:
        """So many were said before a restart."""
        self._count = messages

    @property
    def offered(self) -> list[View]:
        """What members were shown without asking."""
        return [view for _, _, view in self.rooms.told]

    async def agrees(self, *, by: Member = ANA) -> View:
        """Press the button of the last offer."""
        return await self.presses(self.offered[-1].buttons[0], by=by)

    async def presses(self, button: Button | str, *, by: Member = ANA, where: Room | None = DIRECT) -> View:
        action = button.action if isinstance(button, Button) else button
        return await self.commands.press(action, by, room=where)

    async def learns(self, answer: str = DIABETIC) -> int:
        """Let everything fall idle and be learned; returns how much was."""
        self.model.updates.append(answer)
        self.clock.advance(hours=1)
        learned = (await self.learning.sweep()).operations
        self.model.updates.clear()
        return learned

    async def knows(self, where: Room = DIRECT, *, by: Member = ANA) -> str:
        """What a prompt in a room says of a member."""
        await self.says("hello", by=by, where=where)
        return self.model.prompts[-1].persona or ""

    async def kept(self, *tables: str) -> list[tuple[object, ...]]:
        found = await rows(self.store, *(tables or ("fact", "operation", "evidence")))
        return [row for every in found.values() for row in every]

    async def agreements(self, member: MemberKey = ANA.key) -> dict[str, Agreement]:
        return await self.store.read(partial(special.read, member=member))

    async def logged(self) -> list[tuple[str, str, str]]:
        trail = await self.store.read(partial(audit.read, member=ANA.key))
        return [(row.actor, row.action, row.field) for row in trail.rows]

    async def shown(self, words: str, *, where: Room | None = DIRECT, by: Member = ANA) -> View:
        return await self.commands.run(words, by, room=where)


@asynccontextmanager
async def clinic_on(
    database: Path,
    clock: StillClock,
    *,
    categories: str = "health",
    around: Callable[[Store], Store] | None = None,
) -> AsyncIterator[Clinic]:
    made = Clinic.opened(database, clock, model=ScriptedModel(), categories=categories, around=around)
    async with made as opened:
        assert isinstance(opened, Clinic)
        yield opened


@pytest.fixture
async def clinic(database: Path, clock: StillClock) -> AsyncIterator[Clinic]:
    """A house where health may be kept and nothing was said yet."""
    async with clinic_on(database, clock) as opened:
        yield opened


@pytest.fixture
async def known(clinic: Clinic) -> Clinic:
    """A house that was told, asked, and keeps what it was told."""
    await clinic.says(SAID)
    await clinic.agrees()
    assert await clinic.learns() == 1
    return clinic


# -- asking -----------------------------------------------------------------------------------------------------------


async def test_who_says_something_of_the_kind_is_asked_once(clinic: Clinic) -> None:
    """In the direct message, with a button to agree and one not to; the same thing said again asks nothing."""
    await clinic.says(SAID)
    await clinic.says("I am still diabetic")
    (view,) = clinic.offered

    assert clinic.rooms.told[0][:2] == (DIRECT, ANA)
    assert [button.label for button in view.buttons] == [
        "Keep what I say here about my health, for 30 days",
        "No, keep nothing",
    ]
    assert not any(button.is_primary for button in view.buttons)
    assert "diabetic" not in everything(view)
    assert all(len(button.action) <= 80 for button in view.buttons)


def test_every_category_has_a_name_for_members() -> None:
    """What can be allowed can be asked about, in words that a button holds."""
    assert set(agreements.ABOUT) == set(special.FIELDS)
    for category in special.FIELDS:
        buttons = agreements.agreeing(ANA, category, None, now=NOON), agreements.stopping(category)
        assert all(len(button.label) <= 75 and len(button.action) <= 80 for button in buttons)


async def test_each_category_is_asked_for_by_itself(database: Path, clock: StillClock) -> None:
    """Agreeing to one is agreeing to nothing else."""
    async with clinic_on(database, clock, categories=EVERY) as clinic:
        await clinic.says("I am diabetic and in the union")
        await clinic.agrees()

        assert len(clinic.offered) == 2
        states = {name: one.state for name, one in (await clinic.agreements()).items()}
        assert states == {"health": "offered", "union": "agreed"}


DISCORD = Member(tenant=TenantId("discord:accounts"), id="41", name="Ana")
TERMINAL = Member(tenant=TenantId("terminal:local"), id="you", name="Ana")
GUEST = replace(ANA, tenant=TenantId("slack:T2"))


@pytest.mark.parametrize(
    ("who", "where"),
    [
        (ANA, room()),
        (ANA, room(thread="1.0")),
        (ANA, room("P1", kind="private")),
        (ANA, room("X1", kind="external")),
        (GUEST, DIRECT),
        (DISCORD, room("D9", kind="direct", tenant="discord:direct")),
        (DISCORD, room("9", kind="private", tenant="discord:41")),
        (TERMINAL, room("terminal", kind="direct", tenant="terminal:local")),
    ],
    ids=["public", "thread", "private", "external", "another workspace", "discord dm", "discord", "terminal"],
)
async def test_nowhere_else_is_anything_offered_or_kept(clinic: Clinic, who: Member, where: Room) -> None:
    """Not in front of others, not on Discord, not in the terminal; a model that proposes it there is refused."""
    await clinic.says(SAID, by=who, where=where)
    learned = await clinic.learns()

    assert (clinic.offered, learned, await clinic.kept()) == ([], 0, [])
    assert '"health"' not in json.dumps(clinic.model.requests[-1].schema)
    (refused,) = await clinic.kept("refusal")
    assert "unknown field" in refused
    assert "health" not in refused


@pytest.mark.parametrize(
    "text",
    ["Am I diabetic?", "Off the record: I am diabetic", "> I am diabetic", "My password is hunter2", "I pray", "hello"],
)
async def test_what_is_no_such_statement_asks_nothing(clinic: Clinic, text: str) -> None:
    """A question, what is off the record or quoted, and what cannot be agreed to here."""
    await clinic.says(text)

    assert clinic.offered == []
    assert await clinic.agreements() == {}


@pytest.mark.parametrize("words", ["pause", "consent withdraw"])
async def test_who_is_not_remembered_is_not_asked(clinic: Clinic, words: str) -> None:
    """Remembering comes first; without it there is nothing to agree to."""
    await clinic.shown(words)
    await clinic.says(SAID)

    assert clinic.offered == []


async def test_an_offer_that_nobody_answers_leaves_in_time(clinic: Clinic) -> None:
    """That somebody was asked says something of them: it goes after as long as an agreement would have run."""
    await clinic.says(SAID)
    clinic.clock.advance(days=LIFE.days, seconds=-2)
    await clinic.special.sweep()
    before = await clinic.agreements()
    clinic.clock.advance(seconds=3)
    await clinic.special.sweep()

    assert list(before) == ["health"]
    assert await clinic.agreements() == {}
    assert await clinic.logged() == []


async def test_a_member_who_cannot_be_told_is_no_trouble(clinic: Clinic) -> None:
    """An offer that fails is logged without a word of what was said, and made at the next occasion."""
    clinic.rooms.is_reachable = False
    with capture_logs() as logged:
        await clinic.says(SAID)

    assert "special.not_offered" in [entry["event"] for entry in logged]
    assert "diabetic" not in str(logged)
    clinic.rooms.is_reachable = True
    await clinic.says(SAID)
    assert len(clinic.offered) == 1


# -- agreeing ---------------------------------------------------------------------------------------------------------


async def test_what_was_just_said_is_kept_once_agreed_to(known: Clinic) -> None:
    """The member pressed because of it: it still waits to be learned, and counts."""
    in_private = await known.knows()

    assert '"health":["diabetic"]' in in_private
    assert ("member", "special:agreed", "health") in await known.logged()


async def test_it_is_in_no_other_room(known: Clinic) -> None:
    """No byte of any prompt elsewhere holds it, nor is there a hint in private that there would be more."""
    shown = len(known.offered)
    for where in (room(), room("P1", kind="private"), room("X1", kind="external")):
        await known.says("What about my health, am I diabetic?", where=where)
        assert "diabetic" not in wire(known.model.prompts[-1]).replace("am I diabetic?", "")
        assert known.model.prompts[-1].persona is None

    assert len(known.offered) == shown


async def test_elsewhere_it_leaves_no_trace(database: Path, other_database: Path) -> None:
    """With and without it, a channel sees the same prompt, the same reply, and as many statements are run for it."""
    seen = []
    for path, answer in ((database, DIABETIC), (other_database, '{"operations": []}')):
        statements: list[str] = []

        def watch(sql: str, _bound: Mapping[str, Value], ran: list[str] = statements) -> None:
            ran.append(sql)

        async with clinic_on(path, StillClock(), around=partial(watched, watch=watch)) as clinic:
            await clinic.says(SAID)
            await clinic.agrees()
            learned = await clinic.learns(answer)
            statements.clear()
            for where in (room(), room("P1", kind="private"), room("X1", kind="external")):
                await clinic.says("What about my health?", where=where)
            prompts = [wire(prompt) for prompt in clinic.model.prompts[-3:]]
            seen.append((learned, (prompts, clinic.rooms.posts[-3:], len(clinic.offered), list(statements))))

    assert [learned for learned, _ in seen] == [1, 0]
    assert seen[0][1] == seen[1][1]


async def test_what_was_said_before_does_not_count(clinic: Clinic) -> None:
    """What was learned from, without this, before the button was pressed, has to be said again; the member hears so."""
    await clinic.says(SAID)
    assert await clinic.learns() == 0
    shown = await clinic.agrees()
    await clinic.says("I told you")
    again = await clinic.learns()
    await clinic.says(SAID)

    assert "tell me again" in shown.text
    assert (again, await clinic.learns()) == (0, 1)


async def test_what_waits_is_said_to_count(clinic: Clinic) -> None:
    """And who pressed in time hears that, too, and until when it is kept."""
    message = await clinic.says(SAID)
    shown = await clinic.agrees()

    assert "What you just said counts" in shown.text
    assert f"{message.said_at + LIFE:%Y-%m-%d}" in shown.text
    assert (await clinic.agreements())["health"].until == message.said_at + LIFE


async def test_somebody_else_who_presses_changes_nothing(clinic: Clinic) -> None:
    """The button is the subject's: of anybody else it does nothing, to either of them."""
    await clinic.says(SAID)
    shown = await clinic.agrees(by=BEN)

    assert shown == wording.CHANGED
    assert await clinic.agreements(BEN.key) == {}
    assert (await clinic.agreements())["health"].state == "offered"


async def test_a_button_that_was_shown_to_another_changes_nothing(clinic: Clinic) -> None:
    """Two members who decided nothing yet cannot press each other's buttons, not even in their own direct message."""
    (anas,) = [one for one in (await clinic.shown("consent")).buttons if one.action.startswith("special:agree")]

    assert await clinic.presses(anas, by=BEN, where=room("D2", kind="direct")) == wording.CHANGED
    assert "is kept until" in (await clinic.presses(anas)).text


async def test_a_button_is_good_for_one_press(clinic: Clinic) -> None:
    """A stale one does nothing: pressed again, or after a no."""
    await clinic.says(SAID)
    (agree, decline) = clinic.offered[-1].buttons
    await clinic.presses(decline)
    after_no = await clinic.presses(agree)
    (fresh,) = [one for one in (await clinic.shown("consent")).buttons if one.action.startswith("special:agree")]
    await clinic.presses(fresh)

    assert after_no == wording.CHANGED
    assert await clinic.presses(fresh) == wording.CHANGED
    assert (await clinic.agreements())["health"].state == "agreed"


@pytest.mark.parametrize(
    "where", [None, room(), room("P1", kind="private"), room("D9", kind="direct", tenant="slack:T2")]
)
async def test_it_is_agreed_to_in_the_direct_message_alone(clinic: Clinic, where: Room | None) -> None:
    """Wherever else the button is pressed, it does nothing."""
    await clinic.says(SAID)

    assert await clinic.presses(clinic.offered[-1].buttons[0], where=where) == verb.ELSEWHERE
    assert (await clinic.agreements())["health"].state == "offered"


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "agree",
        "agree:money:0:0",
        "agree:union:0:0",
        "keep:health:0",
        "stop:money",
        "agree:health",
        "agree:health:x:y",
    ],
)
async def test_a_button_we_never_made_does_nothing(clinic: Clinic, rest: str) -> None:
    """Nor does one for a category that is not allowed."""
    assert await clinic.presses(f"special:{rest}") == OUTDATED
    assert await clinic.agreements() == {}


async def test_a_button_can_be_pressed_for_a_day(clinic: Clinic) -> None:
    """Later it says where a fresh one is, and that one works; an older one with a newer date on it does not."""
    await clinic.says(SAID)
    _, _, category, shown, bound = clinic.offered[-1].buttons[0].action.split(":")
    clinic.clock.advance(hours=24, seconds=2)
    stale = await clinic.agrees()
    dated = await clinic.presses(f"special:agree:{category}:{int(shown) + 60}:{bound}")
    (fresh,) = [one for one in (await clinic.shown("consent")).buttons if one.action.startswith("special:agree")]
    await clinic.presses(fresh)

    assert (stale, dated) == (verb.STALE, wording.CHANGED)
    assert (await clinic.agreements())["health"].state == "agreed"


async def test_who_paused_meanwhile_is_told_so(clinic: Clinic) -> None:
    """Nothing is agreed to while nothing is remembered."""
    await clinic.says(SAID)
    await clinic.shown("pause")

    assert "paused" in (await clinic.agrees()).text
    assert (await clinic.agreements())["health"].state == "offered"


# -- learning ---------------------------------------------------------------------------------------------------------


async def test_it_is_asked_about_alone(clinic: Clinic) -> None:
    """A session with such a field is in no call with another, not even of the same room."""
    await clinic.says(SAID)
    await clinic.agrees()
    await clinic.says("I use Vim", by=BEN, where=room("D2", kind="direct"))
    clinic.clock.advance(hours=1)
    await clinic.learning.sweep()

    asked = ['"health"' in json.dumps(request.schema) for request in clinic.model.requests]
    assert sorted(asked) == [False, True]
    assert all(len(json.loads(request.data)["sessions"]) == 1 for request in clinic.model.requests)


async def test_even_sessions_of_the_same_readers_stay_apart(known: Clinic) -> None:
    """What has such a field goes alone, in whatever order things come due."""
    await known.says(SAID)
    known.clock.advance(hours=1)

    async def claim(transaction: Transaction) -> list[Due]:
        now = known.clock.now()
        claimed = await sessions.claim_due(
            transaction, owner="o", idle_since=now, now=now, lease=timedelta(minutes=1), most=5
        )
        return [await due.read(transaction, one, default="on", now=now) for one in claimed]

    (one,) = await known.store.write(claim)
    plain = replace(one, session=replace(one.session, special={}))

    assert [len(batch) for batch in due.together([plain, plain])] == [2]
    assert [len(batch) for batch in due.together([plain, one, plain, one])] == [1, 1, 1, 1]


class Slow(ScriptedModel):
    """Lets something happen while it is asked for an update."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        if self.meanwhile is not None:
            await self.meanwhile()
        return await super().propose(request)


@pytest.mark.parametrize("what", ["withdrawn", "over"])
async def test_one_that_ends_while_the_model_is_asked(database: Path, clock: StillClock, what: str) -> None:
    """What comes back then is dropped: what a member decided, or what came to its end meanwhile, wins."""
    model = Slow()
    async with Clinic.opened(database, clock, model=model, categories="health") as clinic:
        assert isinstance(clinic, Clinic)
        await clinic.says(SAID)
        await clinic.agrees()

        async def withdraw() -> None:
            await clinic.presses("special:stop:health")

        async def pass_time() -> None:
            clock.advance(days=LIFE.days)

        model.meanwhile = withdraw if what == "withdrawn" else pass_time

        assert await clinic.learns() == 0
        assert '"health"' in json.dumps(model.requests[-1].schema)
        assert await clinic.kept() == []


async def test_what_a_batch_was_asked_is_judged_as_it_is_by_then(known: Clinic) -> None:
    """A result that comes a day later finds the agreement as it is then."""
    message = await known.says(SAID)
    asked = Asked(room=DIRECT, through=9, messages=(message.id,))
    recall = partial(due.recalled, asked=asked, owner="o", default="on", now=known.clock.now())
    before = await known.store.read(recall)
    await known.presses("special:stop:health")
    after = await known.store.read(recall)

    assert list(before.session.agreed(ANA.key)) == ["health"]
    assert after.session.agreed(ANA.key) == {}


async def test_said_again_and_ended_like_any_fact(known: Clinic) -> None:
    """Within its field, what is over is over."""
    await known.says("I am not diabetic any more")
    await known.learns(proposes(("remove", "health", "diabetic", "m1", "I am not diabetic any more")))

    assert "diabetic" not in await known.knows()


async def test_a_deleted_message_takes_it_along(known: Clinic) -> None:
    """As with every fact: nothing rests on words that are gone."""
    (evidence,) = await known.kept("evidence")
    await known.intake.delete(Deletion(room=DIRECT, message=MessageId(str(evidence[6]))))

    assert await known.kept() == []


# -- the end ----------------------------------------------------------------------------------------------------------


async def test_withdrawing_erases_at_once(known: Clinic) -> None:
    """One press, anywhere: nothing of it is left, nobody asks again, and the messages cannot teach it any more."""
    (stop,) = [one for one in (await known.shown("consent", where=None)).buttons if one.action.startswith("special:")]
    shown = await known.presses(stop, where=None)

    assert stop.is_danger
    assert "I keep nothing about your health" in shown.text
    assert await known.kept() == []
    assert "diabetic" not in await known.knows()
    assert (await known.logged())[-2:] == [("member", "forget", "health"), ("member", "special:withdrawn", "health")]
    told = len(known.offered)
    await known.says(SAID)
    assert (len(known.offered), await known.learns()) == (told, 0)


async def test_it_ends_by_itself(known: Clinic) -> None:
    """After thirty days it is used no more, the next sweep erases it, and at the next occasion the member is asked."""
    until = (await known.agreements())["health"].until
    assert until is not None
    known.clock.advance(seconds=(until - known.clock.now()).total_seconds())
    unswept = await known.knows()
    swept = await known.special.sweep()

    assert "diabetic" not in unswept
    assert (swept, await known.special.sweep()) == (1, 0)
    assert (await known.kept("fact", "operation", "evidence", "fence"), await known.agreements()) == ([], {})
    assert (await known.logged())[-2:] == [("system", "forget", "health"), ("system", "special:expired", "health")]
    told = len(known.offered)
    await known.says(SAID)
    assert len(known.offered) == told + 1
    await known.agrees()
    assert await known.learns(DIABETIC.replace("m1", "m3")) == 1  # after "hello" and its reply


async def test_agreeing_anew_before_the_sweep_begins_with_nothing(known: Clinic) -> None:
    """What was kept under the old agreement is not revived by a new one."""
    known.clock.advance(days=31)
    (fresh,) = [one for one in (await known.shown("consent")).buttons if one.action.startswith("special:")]
    await known.presses(fresh)

    assert await known.kept() == []
    assert "diabetic" not in await known.knows()


async def test_what_is_no_longer_allowed_goes(database: Path, clock: StillClock) -> None:
    """Whoever runs us takes the setting back: with the next sweep nothing of it is left."""
    async with clinic_on(database, clock) as clinic:
        await clinic.says(SAID)
        await clinic.agrees()
        await clinic.learns()
    async with clinic_on(database, clock, categories="") as without:
        without.goes_on_after(10)
        unswept = await without.knows()
        swept = await without.special.sweep()

        assert "diabetic" not in unswept
        assert (swept, await without.kept(), await without.agreements()) == (1, [], {})
        assert (await without.logged())[-1] == ("system", "special:ended", "health")


async def test_a_tenant_that_is_back_brings_none_back(known: Clinic) -> None:
    """Where we were removed and installed again, a yes to being remembered is no yes to a special category."""
    await known.core.departures.removed(ANA.tenant)
    await known.core.departures.installed(ANA.tenant, account="a-bot")
    await known.shown("resume")
    unswept = await known.knows()
    swept = await known.special.sweep()

    assert "diabetic" not in unswept
    assert (swept, await known.kept(), await known.agreements()) == (1, [], {})


async def test_a_purge_takes_what_was_asked_and_leaves_what_was_decided(known: Clinic) -> None:
    """That somebody was asked says what they had said, so it goes with it; an agreement is the member's own."""
    await known.says(SAID, by=BEN, where=replace(DIRECT, channel="D2"))
    assert (await known.agreements(BEN.key))["health"].state == "offered"
    await known.core.purging.purge(ANA.tenant, known.clock.now())

    assert await known.agreements(BEN.key) == {}
    assert (await known.agreements())["health"].state == "agreed"
    assert await known.kept() == []


async def test_a_no_leaves_a_row(clinic: Clinic) -> None:
    """The audit log tells of every decision: of a no to an offer as well."""
    await clinic.says(SAID)
    await clinic.presses(clinic.offered[-1].buttons[1])

    assert (await clinic.logged())[-1] == ("member", "special:declined", "health")


@pytest.mark.parametrize("words", ["forget all", "consent withdraw"])
async def test_forgetting_everything_ends_it(known: Clinic, words: str) -> None:
    """Agreements go with all the rest."""
    await known.shown(words)

    assert (await known.kept(), await known.agreements()) == ([], {})


async def test_pausing_pauses_it(known: Clinic) -> None:
    """What is paused is neither used nor learned, this included."""
    await known.shown("pause")

    assert await known.knows() == ""


# -- what members see -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["show", "show health", "show special", "history", "why health", "export", "used"])
async def test_the_member_sees_it_like_anything_else(known: Clinic, words: str) -> None:
    """What is kept is shown to its member, with its words."""
    await known.knows()
    view = await known.shown(words)
    text = everything(view) + "".join(file.text for file in view.files)

    assert "diabetic" in text


async def test_it_can_be_forgotten_alone(known: Clinic) -> None:
    """By its field, like anything else; the agreement goes on."""
    assert "1 fact" in (await known.shown("forget health")).text
    assert await known.kept() == []
    assert (await known.agreements())["health"].state == "agreed"


async def test_nobody_can_change_it_by_hand_or_widen_it(known: Clinic) -> None:
    """No button of it does, and no button that is made up."""
    named = await known.shown("why health")
    fact = named.footer.removeprefix("Its id is ").removesuffix(".")
    edited = await known.commands.form(f"form:edit:{fact}", ANA, room=DIRECT)
    filled = await known.commands.fill(f"edit:{fact}", {"value": "well"}, ANA, room=DIRECT)
    typed = [await known.shown(words) for words in ("add health", "add health asthma", "edit health well")]
    opened = await known.commands.form("form:add:health", ANA, room=DIRECT)
    entered = await known.commands.fill("add:health", {"value": "asthma"}, ANA, room=DIRECT)
    widened = await known.presses(f"widen:{fact}:0:yes")

    assert [button.label for button in named.buttons] == ["Back", "Forget this"]
    assert "only in our direct message on Slack" in everything(named)
    assert "erased within 30 days" in everything(named)
    assert not isinstance(edited, Form)
    assert not isinstance(opened, Form)
    assert all(
        "only from what you say in our direct message" in view.text
        for view in (edited, filled, opened, entered, *typed)
    )
    assert widened == wording.CHANGED
    assert [row for row in await known.kept("fact") if "diabetic" in row] == await known.kept("fact")
    assert "health" not in known.commands.fields


async def test_consent_says_how_it_is(clinic: Clinic) -> None:
    """In the direct message it names what can be agreed to; elsewhere only what is."""
    before, elsewhere = await clinic.shown("consent"), await clinic.shown("consent", where=room())
    await clinic.says(SAID)
    await clinic.agrees()
    after, outside = await clinic.shown("consent"), await clinic.shown("consent", where=room())

    assert texts(before) == ["your health: nothing is kept"]
    assert texts(elsewhere) == []
    assert [button.label for button in elsewhere.buttons] == ["Pause", "Stop and forget everything"]
    assert texts(after) == texts(outside)
    assert "your health: what you say of it in our direct message on Slack, until" in texts(after)[0]
    assert [button.action for button in after.buttons][2:] == ["special:stop:health"]


async def test_privacy_says_what_can_be_agreed_to(clinic: Clinic) -> None:
    """The screen that says what is never kept says what is kept if one wants it, and the rest as before."""
    lines = texts(await clinic.shown("privacy"))

    assert any("only if you agree to each" in one and "health; 30 days at most" in one for one in lines)
    assert any(one.startswith("never: belief, politics, union,") for one in lines)


# -- off, as it ships -------------------------------------------------------------------------------------------------


async def test_where_nothing_is_allowed_nothing_is_new(database: Path, clock: StillClock) -> None:
    """As it ships there is no offer, no field, no button and no line: a press is as of no version at all."""
    async with clinic_on(database, clock, categories="") as clinic:
        await clinic.says(SAID)
        known = await clinic.learns()
        consent, privacy = await clinic.shown("consent"), await clinic.shown("privacy")

        assert (clinic.offered, known, await clinic.agreements()) == ([], 0, {})
        assert consent.sections == ()
        assert [button.action for button in consent.buttons] == ["consent:paused", "consent:withdrawn"]
        assert "never: health, belief, politics, union, origin" in everything(privacy)
        assert "agree to each" not in everything(privacy)
        assert await clinic.presses("special:agree:health:0") == OUTDATED
        assert (await clinic.shown("special")).text == "There is no command “special”."
        assert "special" not in everything(await clinic.shown("help"))
        assert await clinic.special.sweep() == 0


async def test_what_is_allowed_and_not_agreed_to_makes_no_difference(database: Path, other_database: Path) -> None:
    """The same talk with and without the setting: the same prompts, requests, replies and rows, byte for byte."""
    talks = [
        ("I use Vim", DIRECT),
        (SAID, DIRECT),
        ("What do I use?", DIRECT),
        ("I pray, and I am in the union", room()),
        ("I live in Lisbon", room("P1", kind="private")),
    ]
    proposed = proposes(("add", "tools", "Vim", "m1", "I use Vim"), ("add", "health", "x", "m2", SAID))
    seen: list[object] = []
    for path, categories in ((database, ""), (other_database, EVERY)):
        async with clinic_on(path, StillClock(), categories=categories) as clinic:
            for text, where in talks:
                await clinic.says(text, where=where)
            await clinic.learns(proposed)
            for _, where in talks:
                await clinic.knows(where)
            stored = await rows(clinic.store, "fact", "operation", "evidence", "refusal", "message", "fence", "member")
            views = [everything(await clinic.shown(words, where=room())) for words in ("show", "history", "consent")]
            asked = [(request.instructions, request.schema, request.data) for request in clinic.model.requests]
            prompts = [wire(one) for one in clinic.model.prompts]
            assert len(clinic.offered) == (1 if categories else 0)
            seen.append((asked, prompts, clinic.rooms.posts, views, _timeless(stored)))

    assert seen[0] == seen[1]


def _timeless(stored: dict[str, list[tuple[object, ...]]]) -> dict[str, list[list[object]]]:
    """Rows without the ids that are drawn by lot: the names of updates."""
    return {
        table: [[value for value in row if not (isinstance(value, str) and len(value) == 32)] for row in every]
        for table, every in stored.items()
    }
