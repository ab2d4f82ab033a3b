"""Anthropic's Messages API on loopback."""

from tests.twins.anthropic.reply import ApiError, Reply, ToolUse
from tests.twins.anthropic.request import Request
from tests.twins.anthropic.twin import AnthropicTwin

__all__ = ["AnthropicTwin", "ApiError", "Reply", "Request", "ToolUse"]
