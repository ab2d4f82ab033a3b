"""Slack on loopback: Web API, Socket Mode, and the people of a workspace."""

from tests.twins.slack.twin import SlackTwin
from tests.twins.slack.workspace import Message

__all__ = ["Message", "SlackTwin"]
