"""What members see of Rapport on Slack, drawn from the payloads that Slack gets: `make pictures`.

The payloads are what Slack's twin took from the real app in a small story. Only their look is ours.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from adapters.slack import host, modals
from bot import settings, wiring
from bot.messages import Member, TenantId
from bot.store import usage
from bot.views import Form, Input
from persona.ports import Usage
from tests.bot.commands.members import told
from tests.clock import StillClock
from tests.pictures import slack_svg
from tests.pictures.slack_svg import Json
from tests.twins.slack import SlackTwin
from tests.twins.slack.blocks import view_errors

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
PICTURES = ("slack-home", "slack-show", "slack-modal")

ANA = Member(tenant=TenantId("slack:T1"), id="U1", name="Ana")
SAID = (
    ("location", "Porto", "I live in Porto now"),
    ("role", "nurse", "I'm a nurse at the children's hospital"),
    ("tools", "Vim", "I use Vim for everything"),
    ("answer_length", "short", "keep it short, please"),
)
FORM = Form(
    action="edit:f1",
    title="Correct it",
    text="Who may know it stays as it is.",
    inputs=(
        Input(name="value", label="Location", value="Porto", hint="where you live", max_chars=160),
        Input(name="length", label="Answer length", value="short", choices=("short", "medium", "long")),
        Input(name="until", label="Until", hint="a day, such as 2026-12-24", is_required=False),
    ),
)


async def payloads() -> dict[str, Json]:
    """What Slack was given: the Home tab, the blocks of a message as `blocks`, and a modal; by the picture's name."""
    with tempfile.TemporaryDirectory() as folder:
        async with SlackTwin() as twin:
            twin.member("U1", "Ana")
            twin.channel("C1", "team", members=["U1"])
            await _story(twin, Path(folder) / "rapport.db")
            form = modals.form(FORM, modals.Origin())
            assert view_errors(form) == []
            shown = {"blocks": twin.ephemerals("U1")[-1].blocks}
            return {"slack-home": twin.views["U1"], "slack-show": shown, "slack-modal": form}


async def _story(twin: SlackTwin, database: Path) -> None:
    """Ana said things of herself over some days; she looks at them on the Home tab, and by typing."""
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


def svg(name: str, payload: Json) -> str:
    """One picture; the same on every machine."""
    if name == "slack-show":
        return slack_svg.message(payload["blocks"])
    return slack_svg.modal(payload) if payload["type"] == "modal" else slack_svg.home(payload)


async def _store() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, payload in (await payloads()).items():
        (FOLDER / f"{name}.svg").write_text(svg(name, payload), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_store())
