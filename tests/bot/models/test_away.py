"""Claude away: over the unmodified SDK, an outage is asked about rarely and ends with the first reply."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot import errors
from bot.models.anthropic import AnthropicModel
from bot.models.breaker import ANSWER_FAILURES, UPDATE_FAILURES
from tests.bot.models.test_anthropic import KEY, REQUEST, asked, connected, heard, refused
from tests.clock import StillClock
from tests.twins.anthropic import AnthropicTwin, ApiError, Reply


@pytest.fixture
async def twin() -> AsyncIterator[AnthropicTwin]:
    async with AnthropicTwin(keys={KEY}) as server:
        yield server


@pytest.fixture
async def model(twin: AnthropicTwin, clock: StillClock) -> AsyncIterator[AnthropicModel]:
    async with connected(twin.url, clock) as opened:
        yield opened


OUTAGES = {
    "overloaded": refused(529),
    "broken": refused(500),
    "rate limited": refused(429, headers={"retry-after": "1"}),
    "hung up": Reply(cut_after=-1),
    "cut while writing": Reply(text="a b c", cut_after=1),
    "overloaded while writing": Reply(text="a b c", error=ApiError(status=529, after=1)),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
async def test_an_outage_is_asked_about_rarely(
    twin: AnthropicTwin, model: AnthropicModel, clock: StillClock, outage: Reply
) -> None:
    """Of a hundred questions in ten minutes, at most four a minute reach the API; nobody gets part of an answer."""
    twin.default = outage
    for _ in range(2):
        await heard(model)
    before = asked(twin)
    for _ in range(100):
        clock.advance(seconds=6)
        got = await heard(model)
        assert isinstance(got.error, errors.ModelError)
        assert got.usages == []

    assert before == ANSWER_FAILURES
    assert 30 <= asked(twin) - before <= 40


async def test_it_is_back_within_half_a_minute(twin: AnthropicTwin, model: AnthropicModel, clock: StillClock) -> None:
    """The first question at least fifteen seconds after the last probe is answered, and so is every other then."""
    twin.default = refused(529)
    for _ in range(3):
        await heard(model)
    twin.default = "Yes."
    clock.advance(seconds=15)

    got = [await heard(model) for _ in range(3)]

    assert [one.texts for one in got] == [["Yes."]] * 3


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(401, None, errors.ModelKeyError), (429, "enforced_spend_limit_reached", errors.ModelLimitError)],
)
async def test_what_a_person_has_to_mend_is_asked_about_once_a_minute(
    twin: AnthropicTwin,
    model: AnthropicModel,
    clock: StillClock,
    *,
    status: int,
    code: str | None,
    error: type[errors.ModelError],
) -> None:
    """A wrong key and a spend limit cost one request, and one a minute while members go on asking."""
    twin.default = refused(status, error_code=code)
    for _ in range(60):
        got = await heard(model)
        assert type(got.error) is error
        clock.advance(seconds=10)

    assert asked(twin) == 10


async def test_a_question_that_waits_for_its_next_try_does_not_make_it(
    twin: AnthropicTwin, model: AnthropicModel, clock: StillClock
) -> None:
    """A model that went away while one call paused between its tries is not asked again by that call."""
    twin.default = refused(529)
    for _ in range(2):
        await heard(model)
    clock.advance(seconds=15)

    got = await heard(model)

    assert type(got.error) is errors.ModelBusyError
    assert asked(twin) == ANSWER_FAILURES + 1


async def test_a_refusal_shows_that_the_model_is_there(
    twin: AnthropicTwin, model: AnthropicModel, clock: StillClock
) -> None:
    """A reply that is of no use to its member ends the outage all the same."""
    twin.default = refused(529)
    for _ in range(2):
        await heard(model)
    clock.advance(seconds=15)
    twin.script(Reply(stop_reason="refusal"), "Yes.")

    got = [await heard(model) for _ in range(2)]

    assert [type(one.error) for one in got] == [errors.ModelRefusedError, type(None)]


async def test_updates_have_an_outage_of_their_own(twin: AnthropicTwin, model: AnthropicModel) -> None:
    """When the model for updates fails, answers are given as before."""
    twin.match(lambda body: "format" in body.get("output_config", {}), refused(529))
    twin.default = "Yes."
    for _ in range(5):
        with pytest.raises(errors.ModelBusyError):
            await model.propose(REQUEST)

    got = await heard(model)

    assert got.texts == ["Yes."]
    assert asked(twin) == UPDATE_FAILURES + 1
