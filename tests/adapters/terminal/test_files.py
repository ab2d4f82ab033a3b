"""Files from views: written where the program runs, readable by their owner, and never over another."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from adapters.terminal.files import write
from bot.views import File


def test_a_file_is_written_under_its_name(tmp_path: Path) -> None:
    """What was handed over stands there, for its owner alone."""
    path = write(File(name="persona.json", text='{"name": "José"}\n'), tmp_path)

    assert path == tmp_path / "persona.json"
    assert path.read_text(encoding="utf-8") == '{"name": "José"}\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A name that is taken, by a file, a folder or a link to nowhere, gets a number."""
    (tmp_path / "persona.json").write_text("mine")
    (tmp_path / "persona-2.json").mkdir()
    (tmp_path / "persona-3.json").symlink_to(tmp_path / "elsewhere")
    path = write(File(name="persona.json", text="new"), tmp_path)

    assert path.name == "persona-4.json"
    assert (tmp_path / "persona.json").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["../persona.json", "sub/persona.json", "persona.json"])
def test_a_file_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    """Whatever a file is called, it is written in the folder."""
    folder = tmp_path / "here"
    folder.mkdir()

    assert write(File(name=name, text="x"), folder).parent == folder


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    """What cannot be written is said, by whoever asked for it."""
    with pytest.raises(OSError, match="persona"):
        write(File(name="persona.json", text="x"), tmp_path / "nowhere")
