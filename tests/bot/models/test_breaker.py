"""The breaker: a model that is away is asked at most four times a minute, and is back with the first reply."""

from datetime import timedelta

import pytest

from bot import errors
from bot.models.breaker import ANSWER_FAILURES, UPDATE_FAILURES, YIELDS_FOR, Breaker, Breakers
from tests.clock import StillClock

NOT_NOW = (errors.ModelBusyError, errors.ModelUnreachableError)
LASTING = (errors.ModelKeyError, errors.ModelLimitError)
OTHERS = (errors.ModelCutError, errors.ModelRefusedError, errors.ModelRequestError, errors.ModelUnknownError)


@pytest.fixture
def breakers(clock: StillClock) -> Breakers:
    return Breakers(clock=clock)


def asked(breaker: Breaker) -> bool:
    """Whether a request is let through now."""
    try:
        breaker.check()
    except errors.ModelError as error:
        return not error.is_away
    return True


def fail(breaker: Breaker, times: int, error: type[errors.ModelError] = errors.ModelBusyError) -> None:
    for _ in range(times):
        breaker.failed(error("status 529"))


@pytest.mark.parametrize("error", NOT_NOW)
def test_some_failures_are_borne(breakers: Breakers, error: type[errors.ModelError]) -> None:
    """Up to five requests for answers in a row may fail; with the sixth the model is away."""
    fail(breakers.answers, ANSWER_FAILURES - 1, error)
    before = asked(breakers.answers)
    fail(breakers.answers, 1, error)

    assert (before, asked(breakers.answers)) == (True, False)


def test_a_reply_forgives_what_failed_before(breakers: Breakers) -> None:
    """Only failures in a row count: whatever a model says in between, it is there."""
    for _ in range(3):
        fail(breakers.answers, ANSWER_FAILURES - 1)
        breakers.answers.spoke()

    assert asked(breakers.answers)


@pytest.mark.parametrize("error", OTHERS)
def test_what_is_wrong_with_one_request_says_nothing_of_the_model(
    breakers: Breakers, error: type[errors.ModelError]
) -> None:
    """A refusal, a request that does not fit or a reply that broke off takes the model from nobody."""
    fail(breakers.answers, 50, error)

    assert asked(breakers.answers)


@pytest.mark.parametrize("error", LASTING)
def test_a_key_and_a_limit_need_no_second_failure(breakers: Breakers, error: type[errors.ModelError]) -> None:
    """A refused key and a spend limit stay as they are until a person does something: one is enough."""
    fail(breakers.answers, 1, error)

    assert not asked(breakers.answers)


@pytest.mark.parametrize(("error", "most"), [(errors.ModelBusyError, 4), (errors.ModelKeyError, 1)])
def test_an_outage_is_probed_four_times_a_minute(
    breakers: Breakers, clock: StillClock, error: type[errors.ModelError], most: int
) -> None:
    """Of all that is asked in ten minutes four requests a minute go out, and one where a person has to act."""
    fail(breakers.answers, ANSWER_FAILURES, error)
    probes = []
    for second in range(600):
        if asked(breakers.answers):
            probes.append(second)
            fail(breakers.answers, 1, error)
        clock.advance(seconds=1)

    assert len(probes) >= (most - 1) * 10
    assert all(sum(start <= probe < start + 60 for probe in probes) <= most for start in range(600))


def test_a_probe_that_hangs_holds_up_no_other(breakers: Breakers, clock: StillClock) -> None:
    """The next probe goes out in its time, whether or not the one before has come back."""
    fail(breakers.answers, ANSWER_FAILURES)
    found = []
    for _ in range(3):
        clock.advance(seconds=15)
        found += [asked(breakers.answers), asked(breakers.answers)]

    assert found == [True, False] * 3


def test_the_first_reply_ends_it(breakers: Breakers, clock: StillClock) -> None:
    """Once a probe is answered, everything is asked again at once."""
    fail(breakers.answers, ANSWER_FAILURES)
    clock.advance(seconds=15)
    assert asked(breakers.answers)
    breakers.answers.spoke()

    assert [asked(breakers.answers) for _ in range(20)] == [True] * 20
    assert breakers.away() == {}


@pytest.mark.parametrize("error", [*NOT_NOW, *LASTING])
def test_who_is_not_let_through_hears_why(breakers: Breakers, error: type[errors.ModelError]) -> None:
    """The error is the one that the model gave last, with its sentence for members, and says that nothing was asked."""
    fail(breakers.answers, ANSWER_FAILURES, error)

    with pytest.raises(error, match="not asked") as caught:
        breakers.answers.check()

    assert caught.value.for_member == error.for_member


def test_it_is_known_who_is_away_and_since_when(breakers: Breakers, clock: StillClock) -> None:
    """For status: which model, since the failure that made it so, and what it said last."""
    began = clock.now()
    fail(breakers.answers, ANSWER_FAILURES)
    clock.advance(minutes=1)
    fail(breakers.answers, 1, errors.ModelUnreachableError)

    away = breakers.away()

    assert list(away) == ["answer"]
    assert (away["answer"].since, away["answer"].error) == (began, errors.ModelUnreachableError)


# -- updates make way --------------------------------------------------------------------------------------------------


def test_updates_are_paused_first(breakers: Breakers) -> None:
    """Where answers begin to fail, updates wait while answers are still tried."""
    fail(breakers.answers, UPDATE_FAILURES)

    assert (asked(breakers.answers), asked(breakers.updates)) == (True, False)


def test_failing_updates_pause_no_answers(breakers: Breakers) -> None:
    """What is wrong with the model for updates is no reason to leave a member without an answer."""
    fail(breakers.updates, 50)

    assert (asked(breakers.answers), asked(breakers.updates)) == (True, False)


def test_updates_go_on_with_answers(breakers: Breakers) -> None:
    """Once an answer comes, updates are asked for again."""
    fail(breakers.answers, ANSWER_FAILURES)
    breakers.answers.spoke()

    assert asked(breakers.updates)


def test_updates_do_not_wait_for_questions_that_nobody_asks(breakers: Breakers, clock: StillClock) -> None:
    """At night no answer shows that the model is back: five minutes after the last failure an update may find out."""
    fail(breakers.answers, ANSWER_FAILURES)
    clock.advance(seconds=YIELDS_FOR / timedelta(seconds=1) - 1)
    before = asked(breakers.updates)
    clock.advance(seconds=1)

    assert (before, asked(breakers.updates)) == (False, True)
