"""Learning at once: what a member asks to have remembered does not wait, and they hear in private what came of it."""

from functools import partial

import pytest

from bot import errors
from bot.messages import Room
from bot.store import members
from bot.store.sqlite import SqliteStore
from bot.views import View
from tests.bot.commands.members import everything
from tests.bot.talk import ANA, BO, Talk, proposes, room, transcripts
from tests.clock import StillClock
from tests.models import ScriptedModel

REMEMBER = "Remember that I live in Lisbon"
LISBON = proposes(("set", "location", "Lisbon", "m1", "I live in Lisbon"))
DIRECT = room("D1", kind="direct")


def told(talk: Talk) -> list[tuple[Room, str, str]]:
    """Where, to whom and what was told in private."""
    return [(where, who.id, everything(view)) for where, who, view in talk.told]


def notes(talk: Talk) -> list[View]:
    return [view for _, _, view in talk.told]


async def test_it_is_learned_without_going_idle(talk: Talk) -> None:
    """The next sweep learns it, while everything else waits for silence; a second one finds nothing to do."""
    talk.model.updates.append(LISBON)
    await talk.says(BO, "I live in Oslo", room("C2"))
    await talk.asks(ANA, REMEMBER)
    swept = await talk.learning().sweep()

    assert (swept.sessions, swept.calls, swept.operations) == (1, 1, 1)
    assert transcripts(talk.model) == [[[REMEMBER]]]
    assert (await talk.learning().sweep()).sessions == 0


async def test_who_asked_hears_what_changed(talk: Talk) -> None:
    """The note goes to the member who asked, where they asked, with each change and what to do about it."""
    talk.model.updates.append(LISBON)
    await talk.asks(ANA, REMEMBER, DIRECT)
    await talk.learning().sweep()

    ((where, who, text),) = told(talk)
    assert (where, who) == (DIRECT, "ana")
    assert "location: Lisbon" in text
    assert "/persona show" in text
    assert "/persona forget" in text


async def test_what_ended_is_told_as_ended(talk: Talk) -> None:
    """A note about something that is no longer so does not read as if it were."""
    talk.model.updates += [LISBON, proposes(("remove", "location", "Lisbon", "m1", "I live in Lisbon"))]
    await talk.asks(ANA, REMEMBER)
    await talk.learning().sweep()
    await talk.asks(ANA, "Forget that I live in Lisbon")
    await talk.learning().sweep()

    assert await talk.facts(ANA) == []
    assert "location: Lisbon (no longer)" in everything(notes(talk)[-1])


@pytest.mark.parametrize(
    "update",
    ['{"operations": []}', proposes(("set", "location", "Mars", "m1", "I live on Mars"))],
    ids=["nothing proposed", "refused"],
)
async def test_that_nothing_was_kept_is_said(talk: Talk, update: str) -> None:
    """Who asked and taught nothing is told so, instead of believing it is known."""
    talk.model.updates.append(update)
    await talk.asks(ANA, "Remember that I have a password")
    await talk.learning().sweep()

    ((_, who, text),) = told(talk)
    assert who == "ana"
    assert "found nothing" in text
    assert "/persona show" in text


async def test_only_who_asked_is_told(talk: Talk) -> None:
    """Others in the same session are learned from as ever, and hear nothing, not even of each other's facts."""
    talk.model.updates.append(
        proposes(
            ("set", "location", "Oslo", "m1", "I live in Oslo"), ("set", "location", "Lisbon", "m2", "I live in Lisbon")
        )
    )
    await talk.says(BO, "I live in Oslo")
    await talk.asks(ANA, REMEMBER)
    await talk.learning().sweep()

    ((_, who, text),) = told(talk)
    assert who == "ana"
    assert "Oslo" not in text
    assert await talk.facts(BO) == ["location: Oslo"]


async def test_two_who_asked_hear_of_their_own(talk: Talk) -> None:
    """Each gets a note of their own, with their own changes."""
    talk.model.updates.append(
        proposes(
            ("set", "location", "Oslo", "m1", "I live in Oslo"), ("set", "location", "Lisbon", "m2", "I live in Lisbon")
        )
    )
    await talk.asks(BO, "Remember that I live in Oslo")
    await talk.asks(ANA, REMEMBER)
    await talk.learning().sweep()

    shown = {who: text for _, who, text in told(talk)}
    assert ("Oslo" in shown["bo"], "Lisbon" in shown["bo"]) == (True, False)
    assert ("Oslo" in shown["ana"], "Lisbon" in shown["ana"]) == (False, True)


async def test_who_asked_for_nothing_is_told_nothing(talk: Talk) -> None:
    """What is learned in passing is learned quietly, also if it quotes somebody's wish."""
    talk.model.updates.append(proposes(("set", "location", "Lisbon", "m1", "I live in Lisbon")))
    await talk.says(ANA, "I live in Lisbon\n> remember that I live in Oslo")
    talk.clock.advance(hours=1)

    assert (await talk.learning().sweep()).operations == 1
    assert told(talk) == []


async def test_asking_twice_in_a_session_is_one_note(talk: Talk) -> None:
    """A session is learned once and told about once."""
    await talk.asks(ANA, REMEMBER)
    await talk.asks(ANA, "And remember that I use Vim")
    await talk.learning().sweep()
    await talk.learning().sweep()

    assert len(talk.told) == 1


async def test_who_did_not_agree_is_not_learned_from(talk: Talk) -> None:
    """Asking is not agreeing: without consent nothing is learned, nothing is asked of the model, nothing is told."""
    await talk.asks(ANA, REMEMBER)
    swept = await talk.learning("ask").sweep()

    assert (swept.sessions, swept.calls) == (1, 0)
    assert (told(talk), await talk.facts(ANA)) == ([], [])


async def test_who_withdraws_meanwhile_is_told_nothing_of_it(store: SqliteStore, clock: StillClock) -> None:
    """What was asked for and then paused is not kept, and the note says that nothing was."""
    talk = Talk(store, clock, ScriptedModel())
    talk.model.updates.append(LISBON)
    await talk.asks(ANA, REMEMBER)
    await store.write(partial(members.set_consent, member=ANA.key, state="paused", now=clock.now()))
    await talk.learning().sweep()

    assert (told(talk), await talk.facts(ANA)) == ([], [])


async def test_a_platform_that_is_away_loses_nothing(talk: Talk) -> None:
    """When a note cannot be shown, what was learned stays learned, once, and the sweep goes on with the rest."""
    talk.is_reachable = False
    talk.model.updates += [LISBON, proposes(("set", "location", "Oslo", "m1", "I live in Oslo"))]
    await talk.asks(ANA, REMEMBER, DIRECT)
    await talk.asks(BO, "Remember that I live in Oslo", room("D2", kind="direct"))
    swept = await talk.learning().sweep()

    assert (swept.operations, swept.failures) == (2, 0)
    assert (await talk.facts(ANA), await talk.facts(BO)) == (["location: Lisbon"], ["location: Oslo"])
    assert (await talk.learning().sweep()).sessions == 0


@pytest.mark.parametrize("failure", [errors.ModelBusyError(), errors.ModelRefusedError(), "garbage"])
async def test_what_fails_is_told_once_it_works(talk: Talk, failure: Exception | str) -> None:
    """A wish that meets an outage or a useless answer is kept for the next try, without going idle, and told then."""
    talk.model.updates += [failure, LISBON]
    await talk.asks(ANA, REMEMBER)
    first = await talk.learning().sweep()
    before = told(talk)
    talk.clock.advance(minutes=1)
    await talk.learning().sweep()

    assert (first.failures, before) == (1, [])
    assert [who for _, who, _ in told(talk)] == ["ana"]
    assert await talk.facts(ANA) == ["location: Lisbon"]


async def test_a_wish_behind_a_long_talk_is_reached_without_idling(talk: Talk) -> None:
    """Where more was said than one call reads, sweep after sweep reads on until the wish is learned."""
    for number in range(9):
        await talk.says(BO, f"{number} " + "word " * 2_000)
    await talk.asks(ANA, REMEMBER)
    sweeps = 0
    while not talk.told:
        sweeps += 1
        assert (await talk.learning().sweep()).sessions == 1

    assert sweeps > 1
    assert transcripts(talk.model)[-1][0][-1] == REMEMBER


async def test_a_sweep_that_fails_is_not_the_members_trouble(talk: Talk) -> None:
    """Sweeping on demand records what goes wrong and raises nothing; the regular sweep tries again."""
    await talk.asks(ANA, REMEMBER)
    await talk.store.close()

    await talk.learning().at_once()
