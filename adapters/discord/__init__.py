"""Discord, as a plugin for any discord.py client: `await bot.load_extension("adapters.discord")`, or `attach`."""

from adapters.discord.attach import attach
from adapters.discord.extension import setup, teardown

__all__ = ["attach", "setup", "teardown"]
