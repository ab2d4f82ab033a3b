"""Files that a view hands over: written where the program was started, beside what is there already."""

from itertools import count
from pathlib import Path

from bot.views import File

_OWNER_ONLY = 0o600
"""What is in such a file is for one member."""


def write(file: File, folder: Path) -> Path:
    """Write a file under its name, or that name with a number; returns its path. Nothing is ever overwritten.

    Raises:
        OSError: it cannot be written there.
    """
    path = next(filter(_is_new, (folder / _numbered(Path(file.name), number) for number in count(1))))
    path.write_text(file.text, encoding="utf-8")
    return path


def _numbered(name: Path, number: int) -> str:
    return name.name if number == 1 else f"{name.stem}-{number}{name.suffix}"


def _is_new(path: Path) -> bool:
    """Whether a path was free, and is ours now."""
    try:
        path.touch(mode=_OWNER_ONLY, exist_ok=False)
    except FileExistsError:
        return False
    return True
