"""Trouble with a database, as an operator hears of it: once when it begins and once when it is over.

A disk that is full fails every message, every try of it and every sweep: a line for each would hide what counts.
"""

import structlog

from bot import errors

CALM = 10
"""So many units in a row have to pass before it is over: on a full disk a small one passes between two that fail."""

_log = structlog.get_logger(__name__)


class Trouble:
    """What is known of the trouble with one way of using a database."""

    def __init__(self, *, doing: str) -> None:
        self._doing = doing
        self._failed = 0
        """Units that failed since it began."""
        self._passed = 0
        """Units that passed since the last that failed."""

    def met(self, error: BaseException | None, *, is_proof: bool = True) -> None:
        """Take notice of how a unit of work ended; what a unit raises of its own is none of the database's trouble.

        One that passed is no proof that all is well if it asked for nothing that could fail, such as room.
        """
        if isinstance(error, errors.StoreError):
            self._fail(error)
        elif error is None and is_proof:
            self._pass()

    def _fail(self, error: errors.StoreError) -> None:
        if not self._failed:
            _log.error("store.failing", doing=self._doing, error=type(error).__name__, why=str(error))
        self._failed += 1
        self._passed = 0

    def _pass(self) -> None:
        if not self._failed:
            return
        self._passed += 1
        if self._passed >= CALM:
            _log.warning("store.works_again", doing=self._doing, failed=self._failed)
            self._failed = self._passed = 0
