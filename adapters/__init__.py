"""Platforms: one folder each. An adapter translates, shows, and decides nothing."""

import bot

if not hasattr(bot, "__path__"):  # the most common name of a Discord bot's own file
    raise ImportError(
        f"{bot.__file__} hides Rapport's package 'bot'; give that file another name, such as my_bot.py", name="bot"
    )
