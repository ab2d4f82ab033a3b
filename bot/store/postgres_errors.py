"""PostgreSQL's errors as ours: one place that knows its codes.

The driver's own messages quote rows and arguments, which are what members said and are called. So nothing of them is
passed on but the kind of the error: neither in the message, nor as its cause.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from bot import errors

DRIVERS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What the driver raises. A time that ran out is an OSError too."""

_CONFLICTS = {"40001", "40P01"}
"""Serialization failure and deadlock."""
_ENDED = {"57P01", "57P02", "57P03"}
"""It is being shut down, has crashed, or is not up yet."""
_UNFIT = {"25P03", "57P05"}
"""A transaction or a session was open for longer than the server allows."""
_BY_CODE = {
    "40001": errors.StoreBusyError,
    "40P01": errors.StoreBusyError,
    "55P03": errors.StoreBusyError,
    "53300": errors.StoreBusyError,
    "25006": errors.StoreReadOnlyError,
    "42501": errors.StoreReadOnlyError,
    "53100": errors.StoreFullError,
    "XX001": errors.StoreDamagedError,
    "XX002": errors.StoreDamagedError,
}
_ADVICE = {
    errors.StoreBusyError: "PostgreSQL is busy; try again, or give it more connections.",
    errors.StoreReadOnlyError: "The database cannot be written; check the rights of its user, and that it is the"
    " primary.",
    errors.StoreFullError: str(errors.StoreFullError()),
    errors.StoreDamagedError: "The database is damaged; restore a backup.",
    errors.StoreError: str(errors.StoreError()),
}
_UNREACHABLE = "PostgreSQL cannot be reached; check DATABASE_URL, and that the server runs."
_REFUSED = "PostgreSQL refuses us; check the user, the password and the database in DATABASE_URL."
_UNREADABLE = "DATABASE_URL cannot be used; write postgresql://user:password@host/database."


def is_conflict(error: BaseException) -> bool:
    """Whether another transaction came first: nothing is wrong, and the same unit may pass when it is run again."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _CONFLICTS


def is_lost(error: BaseException) -> bool:
    """Whether there is no connection any more, or none that can be used."""
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate in _ENDED | _UNFIT:
        return True
    return isinstance(error, (asyncpg.PostgresConnectionError, OSError))


def translated(error: BaseException) -> BaseException:
    """The error to raise for `error`: one of ours if the driver raised it, else `error` itself."""
    if not isinstance(error, DRIVERS):
        return error
    code = (error.sqlstate if isinstance(error, asyncpg.PostgresError) else None) or ""
    kind = _BY_CODE.get(code, errors.StoreError)
    ours = kind(f"{type(error).__name__}{f' ({code})' if code else ''}. {_advice(error, code, kind)}")
    ours.__suppress_context__ = True
    return ours


@contextmanager
def as_ours() -> Iterator[None]:
    """Raise what the driver raises as one of ours."""
    try:
        yield
    except DRIVERS as error:
        raise translated(error) from None


def _advice(error: BaseException, code: str, kind: type[errors.StoreError]) -> str:
    if code[:2] in {"28", "3D"}:
        return _REFUSED
    if isinstance(error, asyncpg.ClientConfigurationError):
        return _UNREADABLE
    return _UNREACHABLE if is_lost(error) else _ADVICE[kind]
