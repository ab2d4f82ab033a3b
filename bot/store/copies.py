"""Files that are there as a whole or not at all: what a backup is written to."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot import errors


@contextmanager
def written(target: Path, *, replaces: bool = False) -> Iterator[Path]:
    """A path to write to; once the context is left without an error, its file is durably `target`.

    Whoever is killed before that leaves `<target>.partial`, which no program takes for the whole; the next one that
    writes the same file removes it. A file that is there stays as it is, unless it is to be replaced.

    Raises:
        StoreError: the file is there already, or somebody writes it at this moment.
        StoreReadOnlyError: it cannot be written.
    """
    if target.exists() and not replaces:
        raise errors.StoreError(f"{str(target)!r} is there already; name another file, or move it away")
    partial = target.with_name(f"{target.name}.partial")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise errors.StoreReadOnlyError(f"{str(partial)!r} cannot be written ({error.strerror})") from error
    try:
        _claim(descriptor, partial)
        try:
            yield partial
            os.fsync(descriptor)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        partial.replace(target)
        sync_folder(target)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make it durable that a file has its name."""
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _claim(descriptor: int, partial: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise errors.StoreBusyError(f"{str(partial)!r} is being written by another backup; let it finish") from error
    os.ftruncate(descriptor, 0)
