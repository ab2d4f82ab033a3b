"""The breaker: a model that says "not now" again and again is asked rarely, until it answers once.

Nothing is asked only to find out whether a model is back: the next question that somebody has is the probe, and whoever
asks in between hears at once what is wrong. Kept for each process: what it saved would be one request a quarter of a
minute and worker, and it would need the database for every one (decision 0026).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from bot import errors
from bot.ports import Away, Clock
from bot.store.usage import Purpose

PROBE_EVERY = timedelta(seconds=15)
"""Between two requests to a model that is away: four a minute, and it is back within half a minute."""
LASTING_PROBE_EVERY = timedelta(seconds=60)
"""The same where a person has to do something first: mend a key, raise a limit."""

ANSWER_FAILURES = 6
"""Requests in a row that fail before answers are not asked for any more: those of two answers with all their tries."""
UPDATE_FAILURES = 3
"""The same for updates, which can wait."""
YIELDS_FOR = timedelta(minutes=5)
"""How long after a failed answer updates leave the provider to answers, where these fail."""

_LASTING = (errors.ModelKeyError, errors.ModelLimitError)
_NOT_NOW = (errors.ModelBusyError, errors.ModelUnreachableError, *_LASTING)

_log = structlog.get_logger(__name__)


class Breaker:
    """Decides before each request whether a model is asked, by how the requests before it ended."""

    def __init__(
        self, *, purpose: Purpose, clock: Clock, most_failures: int, yields_to: "Breaker | None" = None
    ) -> None:
        self.away: Away | None = None
        self._purpose = purpose
        self._clock = clock
        self._most_failures = most_failures
        self._yields_to = yields_to
        self._failures = 0
        self._error: type[errors.ModelError] = errors.ModelError
        self._failed_at: datetime | None = None
        self._probe_at = clock.now()

    def check(self) -> None:
        """Let one request pass, or raise what the model said last.

        Raises:
            ModelError: the model is away, and `is_away` is set: nothing was asked.
        """
        if self._yields_to is not None and self._yields_to.is_strained:
            raise self._yields_to.refusal()
        if self.away is None:
            return
        now = self._clock.now()
        if now < self._probe_at:
            raise self.refusal()
        self._probe_at = now + PROBE_EVERY

    def failed(self, error: errors.ModelError) -> None:
        """Take note of a request without an answer; only what says "not now" counts."""
        if not isinstance(error, _NOT_NOW):
            return
        now, is_lasting = self._clock.now(), isinstance(error, _LASTING)
        self._failures += 1
        self._error, self._failed_at = type(error), now
        if self.away is None and not is_lasting and self._failures < self._most_failures:
            return
        if self.away is None:
            _log.warning("model.away", purpose=self._purpose, error=self._error.__name__)
            self._probe_at = now + PROBE_EVERY
        if is_lasting:
            self._probe_at = now + LASTING_PROBE_EVERY
        self.away = Away(since=self.away.since if self.away else now, error=self._error)

    def spoke(self) -> None:
        """Take note that the model replied, whatever it said."""
        if self.away is not None:
            away_s = round((self._clock.now() - self.away.since).total_seconds())
            _log.info("model.back", purpose=self._purpose, away_s=away_s)
        self.away, self._failures, self._failed_at = None, 0, None

    @property
    def is_strained(self) -> bool:
        """Whether so many requests failed lately that what can wait should."""
        if self._failed_at is None or self._clock.now() - self._failed_at >= YIELDS_FOR:
            return False
        return self.away is not None or self._failures >= min(UPDATE_FAILURES, self._most_failures)

    def refusal(self) -> errors.ModelError:
        """What the model said last, as the error of a request that is not made."""
        error = self._error(f"not asked, since it failed again and again. {self._error.__doc__}")
        error.is_away = True
        return error


class Breakers:
    """One for answers, and one for updates, which make way for answers."""

    def __init__(self, *, clock: Clock) -> None:
        self.answers = Breaker(purpose="answer", clock=clock, most_failures=ANSWER_FAILURES)
        self.updates = Breaker(purpose="learn", clock=clock, most_failures=UPDATE_FAILURES, yields_to=self.answers)

    def away(self) -> Mapping[Purpose, Away]:
        """Which of them are away now."""
        every: tuple[tuple[Purpose, Breaker], ...] = (("answer", self.answers), ("learn", self.updates))
        return {purpose: breaker.away for purpose, breaker in every if breaker.away is not None}
