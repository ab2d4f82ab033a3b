"""Slack, as a plugin for any Bolt app: `async with attach(app): …`."""

from adapters.slack.attach import attach

__all__ = ["attach"]
