"""The pictures in the documents show what Discord gets today."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.pictures import discord


@pytest.mark.parametrize("name", discord.PICTURES)
async def test_the_stored_picture_is_what_is_sent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is drawn from the payload of now, whatever terminal draws it: `make pictures` renews it."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    stored = (discord.FOLDER / f"{name}.svg").read_text(encoding="utf-8")

    assert await discord.svg(name) == stored


def test_every_stored_picture_is_drawn() -> None:
    """No picture of Discord is left over from before, and each stands on the page."""
    page = (discord.FOLDER / "README.md").read_text(encoding="utf-8")

    assert [name for name in discord.PICTURES if f"({name}.svg)" not in page] == []
    assert {path.stem for path in discord.FOLDER.glob("discord-*.svg")} == set(discord.PICTURES)


@pytest.mark.parametrize("name", discord.PICTURES)
async def test_pictures_load_nothing(name: str) -> None:
    """A picture is whole by itself: it needs no font or image from elsewhere."""
    drawn = await discord.svg(name)

    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own
    assert "url(" not in drawn.replace("url(#", "")
    assert "href" not in drawn
