"""Discord on loopback: REST, gateway, and the people of some servers."""

from tests.twins.discord.twin import (
    DiscordTwin,
    Intent,
    Interaction,
    Message,
    Permission,
    Ping,
    Post,
    banned,
    ratelimited,
)

__all__ = ["DiscordTwin", "Intent", "Interaction", "Message", "Permission", "Ping", "Post", "banned", "ratelimited"]
