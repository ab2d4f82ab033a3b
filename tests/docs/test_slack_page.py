"""What the page on Slack says about the manifest works: with its changes, Slack delivers and sends people to us."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapters.slack import over_http
from adapters.slack.installing import INSTALL_PATH, REDIRECT_PATH, SCOPES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/slack.md").read_text()
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def merged(manifest: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A manifest with changes laid over it."""
    return manifest | {
        name: merged(manifest.get(name, {}), value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }


def test_the_manifest_for_http_delivers_where_we_listen() -> None:
    """Changed as the page says, every address in the manifest is that path, and the socket is off; no event is lost."""
    manifest = json.loads((ROOT / "manifest.json").read_text())
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    settings, command = BLOCKS[:2]
    changed = merged(manifest["settings"], settings)
    commands = [one | command for one in manifest["features"]["slash_commands"]]

    addresses = [changed["event_subscriptions"]["request_url"], changed["interactivity"]["request_url"]]
    addresses += [one["url"] for one in commands]
    assert {urlsplit(address).path for address in addresses} == {over_http.PATH}
    assert {urlsplit(address).scheme for address in addresses} == {"https"}
    assert changed["event_subscriptions"]["bot_events"] == events
    assert not changed["socket_mode_enabled"]


def test_the_manifest_for_many_workspaces_sends_people_where_we_wait() -> None:
    """Changed as the page says, the manifest sends people back to where we finish, and no scope changes."""
    manifest = json.loads((ROOT / "manifest.json").read_text())
    changed = merged(manifest, BLOCKS[2])

    assert [urlsplit(address).path for address in changed["oauth_config"]["redirect_urls"]] == [REDIRECT_PATH]
    assert changed["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert changed["settings"]["token_rotation_enabled"]
    assert changed["features"] == manifest["features"]
    assert INSTALL_PATH in PAGE
