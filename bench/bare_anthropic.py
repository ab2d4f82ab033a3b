"""The least an update can cost with the vendor's SDK: its client on aiohttp, one request a round, the reply's text.

python -m bench.bare_anthropic <file with the body of a request>
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from anthropic import AsyncAnthropic, DefaultAioHttpClient

from bench import rounds


async def main() -> None:
    """Ask for every line that comes in."""
    body = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))  # noqa: ASYNC240 - before anything runs
    async with AsyncAnthropic(
        api_key=os.environ["ANTHROPIC_API_KEY"], max_retries=0, http_client=DefaultAioHttpClient()
    ) as client:
        for _ in rounds.wanted():
            with rounds.measured():
                message = await client.messages.create(**body)
                assert message.content[0].text


if __name__ == "__main__":
    asyncio.run(main())
