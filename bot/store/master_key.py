"""The master key: given as PERSONA_KEY, or in a file beside the database that is made at the first start."""

import base64
import binascii
import os
import secrets
from pathlib import Path

import structlog

from bot import errors

KEY_BYTES = 32
HOW_TO_MAKE = (
    f'make one with: python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom({KEY_BYTES})).decode())"'
)

_log = structlog.get_logger(__name__)


def decoded(text: str) -> bytes:
    """The key that a setting or a file holds.

    Raises:
        ValueError: it is none; the message says how to make one, and not what was read.
    """
    try:
        key = base64.b64decode(text.strip().rstrip("=") + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"it is not {KEY_BYTES} bytes in base64url; {HOW_TO_MAKE}")
    return key


def file_of(database: Path) -> Path:
    """Where the key of a database is kept unless PERSONA_KEY is set."""
    return database.with_name(f"{database.name}.key")


def read(database: Path) -> bytes | None:
    """The key in the file; None if there is no file.

    Raises:
        StoreKeyError: the file holds no key, or cannot be read.
    """
    file = file_of(database)
    try:
        return decoded(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise errors.StoreKeyError(f"{str(file)!r}: the key cannot be read ({error.strerror})") from error
    except ValueError:
        raise errors.StoreKeyError(
            f"{str(file)!r} holds no key; restore the file from where you backed it up"
        ) from None


def make(database: Path) -> bytes:
    """Make a key and its file, for its owner alone; the file is there as a whole, or not at all.

    Raises:
        StoreReadOnlyError: the file cannot be written.
    """
    file, key = file_of(database), secrets.token_bytes(KEY_BYTES)
    unfinished = file.with_name(f"{file.name}-new")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(base64.urlsafe_b64encode(key) + b"\n")
            writing.flush()
            os.fsync(writing.fileno())
        unfinished.rename(file)
    except OSError as error:
        raise errors.StoreReadOnlyError(f"{str(file)!r}: the key cannot be written ({error.strerror})") from error
    _log.warning(
        "key.created",
        file=str(file),
        advice="keep a copy of this file elsewhere, apart from backups of the database: without it nothing can be read",
    )
    return key
