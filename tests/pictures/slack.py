"""What members see of Rapport on Slack, drawn from the payloads that Slack gets: `make pictures`.

The payloads are what Slack's twin took from the real app in a small story. Only their look is ours.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from adapters.slack import host
from bot import settings, wiring
from bot.messages import Member, TenantId
from bot.store import usage
from persona.ports import Usage
from tests.bot.commands.members import told
from tests.clock import StillClock
from tests.pictures import slack_svg
from tests.pictures.slack_svg import Json
from tests.twins.slack import SlackTwin

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
PICTURES = ("slack-home", "slack-show", "slack-fact", "slack-modal", "slack-admin")

ANA = Member(tenant=TenantId("slack:T1"), id="U1", name="Ana")
SAID = (
    ("location", "Porto", "I live in Porto now"),
    ("role", "nurse", "I'm a nurse at the children's hospital"),
    ("tools", "Vim", "I use Vim for everything"),
    ("answer_length", "short", "keep it short, please"),
)


async def payloads() -> dict[str, Json]:
    """What Slack was given: the Home tab, the blocks of a message as `blocks`, and a modal; by the picture's name."""
    with tempfile.TemporaryDirectory() as folder:
        async with SlackTwin() as twin:
            twin.member("U1", "Ana", is_admin=True)
            twin.channel("C1", "team", members=["U1"])
            return await _story(twin, Path(folder) / "rapport.db")


async def _story(twin: SlackTwin, database: Path) -> dict[str, Json]:
    """Ana said things of herself over some days; she looks at them on the Home tab, and by typing, and corrects one.

    She runs the workspace, too, and looks how it is.
    """
    loaded = settings.load(
        database_url=f"sqlite:///{database}",
        slack_bot_token=twin.bot_token,
        slack_app_token=twin.app_token,
        slack_api_url=twin.api_url,
        persona_consent="on",
    )
    clock = StillClock(datetime.fromtimestamp(twin.now, UTC))
    async with wiring.open_core(loaded, clock=clock) as core, host.connected(core):
        await twin.connected()
        for number, (field, value, quote) in enumerate(SAID):
            await told(core.store, ANA, field, value, quote=quote, at=clock.now() - timedelta(days=9 - number))
        record = partial(
            usage.record,
            tenant=ANA.tenant,
            call="call",
            usage=Usage(input_tokens=41_200, output_tokens=2_310, model="claude-sonnet-5-5"),
            purpose="answer",
            shares={ANA.key: 1},
            cost=105_500,
            now=clock.now(),
        )
        await core.store.write(record)
        await twin.opens_home("U1")
        await twin.wait_for(lambda: twin.views.get("U1"))
        outcome = await twin.command("U1", "C1", "/persona", "show")
        await twin.wait_for(lambda: outcome.seen)
        shown = twin.ephemerals("U1")[-1]
        listed = shown.blocks
        await twin.press("U1", shown, _action(listed, "Details"))
        await twin.wait_for(lambda: _action(shown.blocks, "Edit"))
        await twin.press("U1", shown, _action(shown.blocks, "Edit"))
        await twin.wait_for(lambda: twin.modals["U1"])
        outcome = await twin.command("U1", "C1", "/persona-admin", "status")
        await twin.wait_for(lambda: outcome.seen)
        return {
            "slack-home": twin.views["U1"],
            "slack-show": {"blocks": listed},
            "slack-fact": {"blocks": shown.blocks},
            "slack-modal": twin.modals["U1"][-1],
            "slack-admin": {"blocks": twin.ephemerals("U1")[-1].blocks},
        }


def _action(blocks: list[Json], label: str) -> str:
    """The action of the first button with this label; nothing if there is none."""
    elements = [block["accessory"] for block in blocks if "accessory" in block]
    elements += [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    return next((one["action_id"] for one in elements if one["text"]["text"] == label), "")


def svg(payload: Json) -> str:
    """One picture; the same on every machine."""
    if "type" not in payload:
        return slack_svg.message(payload["blocks"])
    return slack_svg.modal(payload) if payload["type"] == "modal" else slack_svg.home(payload)


async def _store() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, payload in (await payloads()).items():
        (FOLDER / f"{name}.svg").write_text(svg(payload), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_store())
