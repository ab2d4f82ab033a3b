"""The pictures in the documents show what Discord gets today."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.pictures import discord


async def test_the_stored_pictures_are_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures are drawn from the payloads of now, whatever terminal draws them: `make pictures` renews them."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    stored = {path.stem: path.read_text(encoding="utf-8") for path in discord.FOLDER.glob("discord-*.svg")}

    assert await discord.drawn(tmp_path) == stored


def test_every_stored_picture_stands_on_the_page() -> None:
    """Each picture of Discord can be seen where the pictures are."""
    page = (discord.FOLDER / "README.md").read_text(encoding="utf-8")

    assert [name for name in discord.PICTURES if f"({name}.svg)" not in page] == []


@pytest.mark.parametrize("name", discord.PICTURES)
def test_a_picture_loads_nothing(name: str) -> None:
    """A picture is whole by itself: it needs no font or image from elsewhere."""
    drawn = (discord.FOLDER / f"{name}.svg").read_text(encoding="utf-8")

    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own
    assert "url(" not in drawn.replace("url(#", "")
    assert "href" not in drawn
