"""A Slack app that existed before Rapport: a command and a listener of its own, and five lines that add Rapport.

Install Rapport beside it, in the same environment: `pip install .` in a checkout of Rapport.
Run it with SLACK_BOT_TOKEN and SLACK_APP_TOKEN set: python examples/slack_host.py
"""

import asyncio
import os
import re

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import attach  # 1

api_url = os.environ.get("SLACK_API_URL", "https://slack.com/api/")
app = AsyncApp(client=AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=api_url))


@app.command("/dice")
async def dice(ack: AsyncAck) -> None:
    """The app's own command."""
    await ack("You rolled a four.")


@app.message(re.compile("^lunch"))
async def lunch(say: AsyncSay) -> None:
    """The app's own listener."""
    await say(text="Lunch is at noon.")


async def main() -> None:
    """Connect, with Rapport beside the app's own listeners."""
    async with attach(app):  # 2
        await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main())
