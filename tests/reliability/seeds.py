"""Seeds that once failed: they are kept in `seeds.toml`, and run before any other."""

import tomllib
from pathlib import Path

FILE = Path(__file__).with_name("seeds.toml")

_HEAD = "# Seeds that once made a property fail, by its name and engine. They run first.\n"


def failed(name: str, engine: str, *, file: Path = FILE) -> list[int]:
    """The seeds with which a property failed, oldest first."""
    return list(_read(file).get(f"{name}-{engine}", []))


def keep(name: str, engine: str, seed: int, *, file: Path = FILE) -> None:
    """Remember that a property failed with a seed."""
    known = _read(file)
    known[f"{name}-{engine}"] = list(dict.fromkeys([*known.get(f"{name}-{engine}", []), seed]))
    file.write_text(_HEAD + "".join(f"{key} = {seeds}\n" for key, seeds in sorted(known.items())), "utf-8")


def _read(file: Path) -> dict[str, list[int]]:
    return tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
