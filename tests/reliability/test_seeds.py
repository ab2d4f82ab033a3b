"""Seeds that failed are kept, once each, and come back in their order."""

from pathlib import Path

from tests.reliability import seeds


def test_what_failed_is_kept(tmp_path: Path) -> None:
    """Each engine has its own, oldest first; one that fails again is not listed twice."""
    file = tmp_path / "seeds.toml"

    for engine, seed in (("sqlite", 7), ("postgres", 9), ("sqlite", 3), ("sqlite", 7)):
        seeds.keep("kill9", engine, seed, file=file)

    assert seeds.failed("kill9", "sqlite", file=file) == [7, 3]
    assert seeds.failed("kill9", "postgres", file=file) == [9]
    assert seeds.failed("acks", "sqlite", file=file) == []
