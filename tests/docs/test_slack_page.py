"""What the page on Slack says about the manifest works: with its changes, Slack delivers where we listen."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapters.slack import over_http

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
