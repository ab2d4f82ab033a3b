"""A disk that gets full, or fails, while a process writes to it."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILLER = "filler"
BLOCK = bytes(4_096)


@contextmanager
def small(folder: Path, *, mebibytes: int) -> Iterator[bool]:
    """Let a folder be a disk of its own, with no more room than that; False if this machine lets nobody mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "rapport", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own
    try:
        yield not mounted.returncode
    finally:
        if not mounted.returncode:
            command = ["umount", "--lazy", str(folder)]
            subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - our own


@contextmanager
def full(folder: Path, *, left: int) -> Iterator[None]:
    """Leave so many bytes on its disk, as long as the context lasts."""
    filler = folder / FILLER
    try:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(BLOCK)
        size = filler.stat().st_size
        with filler.open("r+b") as file:
            file.truncate(max(0, size - left))
        yield
    finally:
        filler.unlink()


@contextmanager
def read_only(*files: Path) -> Iterator[None]:
    """Let nothing be written to files, by those who have them open either, as long as the context lasts."""
    names = [str(file) for file in files]
    subprocess.run(["chattr", "+i", *names], capture_output=True, check=True)  # noqa: S603, S607 - our own
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *names], capture_output=True, check=True)  # noqa: S603, S607 - our own


def can_be_read_only(folder: Path) -> bool:
    """Whether files in a folder can be made so: it takes root, and a file system that asks at each write."""
    probe = folder / FILLER
    try:
        with probe.open("wb", buffering=0) as file, read_only(probe):
            file.write(BLOCK)
    except PermissionError:
        return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        probe.unlink()
    return False


@contextmanager
def failing(process: int, *, beyond: int) -> Iterator[None]:
    """Let each write of a process fail that goes further than so many bytes into a file, as long as the context lasts.

    To SQLite this is an I/O error, and no full disk.
    """
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (beyond, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
