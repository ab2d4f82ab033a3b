"""A Discord bot that existed before Rapport: a command and a listener of its own, and one line that adds Rapport.

Install Rapport beside it, in the same environment: `pip install .` in a checkout of Rapport.
Run it with DISCORD_BOT_TOKEN set: python examples/discord_host.py
"""

import os

import discord
from discord.ext import commands


class Bot(commands.Bot):
    """The bot as it was."""

    async def setup_hook(self) -> None:
        """Register the commands, with Rapport's beside the bot's own."""
        await self.load_extension("adapters.discord")  # 1
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        """The bot's own listener."""
        if message.content.startswith("lunch") and not message.author.bot:
            await message.channel.send("Lunch is at noon.")


intents = discord.Intents.none()
intents.guilds = intents.guild_messages = intents.dm_messages = True
bot = Bot(command_prefix=commands.when_mentioned, intents=intents, help_command=None)


@bot.tree.command()
async def dice(interaction: discord.Interaction) -> None:
    """Roll a die: the bot's own command."""
    await interaction.response.send_message("You rolled a four.", ephemeral=True)


if __name__ == "__main__":
    bot.run(os.environ["DISCORD_BOT_TOKEN"])
