"""The least a Bolt app can do: answer every mention with one post, on the SDK's default client."""

import asyncio
import os

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient

app = AsyncApp(client=AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"]))


@app.event("app_mention")
async def answer(event: dict[str, str], say: AsyncSay) -> None:
    """Answer in the thread."""
    await say(text="An answer.", thread_ts=event["ts"])


async def main() -> None:
    """Connect and stay."""
    await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main())
