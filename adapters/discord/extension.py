"""The discord.py extension: `await bot.load_extension("adapters.discord")`."""

from contextlib import AsyncExitStack
from weakref import WeakKeyDictionary

from discord.ext import commands

from adapters.discord.attach import attach

_attached: WeakKeyDictionary[commands.Bot, AsyncExitStack] = WeakKeyDictionary()


async def setup(bot: commands.Bot) -> None:
    """Attach Rapport to the bot, with the settings of the environment."""
    closing = AsyncExitStack()
    await closing.enter_async_context(attach(bot))
    _attached[bot] = closing


async def teardown(bot: commands.Bot) -> None:
    """Let Rapport go."""
    await _attached.pop(bot).aclose()
