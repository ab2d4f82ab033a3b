"""The documents say what the code does: names that are in one are in the other."""

import json
import re
from pathlib import Path

import pytest

from adapters.slack import attach, changes, translate
from adapters.slack.interactions import SHORTCUTS
from bot.commands import administration
from bot.commands.registry import COMMANDS
from bot.settings import NAMES, Settings
from tests.journeys.worlds import INVITED

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MANIFEST = json.loads((ROOT / "manifest.json").read_text())
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")
TABLES = [
    table
    for migration in sorted((ROOT / "bot/store/migrations/versions").glob("*.py"))
    for table in re.findall(r"CREATE TABLE (\w+)", migration.read_text())
]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    """Every variable that is read stands in `.env.example` and in the README."""
    example = (ROOT / ".env.example").read_text()

    assert re.search(rf"^{name}=|\b{name}\b", example, re.MULTILINE)
    assert f"`{name}`" in README


def test_every_documented_setting_is_read() -> None:
    """`.env.example` names nothing that is not read."""
    example = (ROOT / ".env.example").read_text()

    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) <= set(NAMES)


def test_the_example_settings_are_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Copying `.env.example` changes nothing."""
    defaults = Settings()
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text())

    assert Settings() == defaults


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_every_command_is_documented(command: object) -> None:
    """Every verb stands in the README and in the manifest's hint."""
    name = getattr(command, "name", "")

    assert re.search(rf"`(?:/persona )?{name}\b", README)
    assert name in MANIFEST["features"]["slash_commands"][0]["usage_hint"]


@pytest.mark.parametrize("name", administration.COMMANDS)
def test_every_verb_of_admins_is_documented(name: str) -> None:
    """Every verb of `/persona-admin` stands in the manifest's hint, and in the README unless it is the list itself."""
    (command,) = [one for one in MANIFEST["features"]["slash_commands"] if one["command"] == administration.PREFIX]

    assert name in command["usage_hint"]
    assert name == "help" or re.search(rf"`(?:/persona-admin )?{name}\b", README)


def test_the_invite_link_asks_for_what_the_journeys_have() -> None:
    """The permissions in the README's link are the ones every journey on Discord gets by with."""
    asked = re.search(r"permissions=(\d+)", README)

    assert asked is not None
    assert int(asked[1]) == int(INVITED)


def test_the_manifest_subscribes_to_what_is_translated() -> None:
    """Slack is asked for the events that translate understands, in every kind of room."""
    events = MANIFEST["settings"]["event_subscriptions"]["bot_events"]

    kinds = ("channels", "groups", "im", "mpim")
    messages = {f"message.{kind}" for kind in kinds}
    assert set(events) == {"app_home_opened", "app_mention", *messages, *changes.EVENTS}
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"]
    assert attach.__module__ == "adapters.slack.attach"
    assert translate.event({}, bot_user="U1") is None


def test_the_manifest_has_the_shortcuts_that_are_answered() -> None:
    """Each entry in a message's menu is one that we answer, with words that Slack takes."""
    entries = MANIFEST["features"]["shortcuts"]

    assert {entry["callback_id"] for entry in entries} == set(SHORTCUTS)
    assert [entry["name"] for entry in entries if entry["type"] != "message" or len(entry["name"]) > 24] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the repository leads to one."""
    missing = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]

    assert missing == []


def test_every_decision_is_listed() -> None:
    """The list of decisions is complete."""
    listed = (ROOT / "docs/decisions/README.md").read_text()

    assert [page.name for page in (ROOT / "docs/decisions").glob("0*.md") if page.name not in listed] == []


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_in_the_architecture(table: str) -> None:
    """The page that shows the data names every table."""
    assert f"`{table}`" in (ROOT / "docs/architecture.md").read_text()


@pytest.mark.parametrize("folder", ["bot", "adapters", "persona"])
def test_the_architecture_names_the_floors(folder: str) -> None:
    """Every package of the house has a floor in the plan."""
    assert f"{folder}/" in (ROOT / "docs/architecture.md").read_text()
