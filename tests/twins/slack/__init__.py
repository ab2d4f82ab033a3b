"""Slack on loopback: Web API, Socket Mode, and the people of a workspace."""

from tests.twins.slack.twin import SlackTwin

__all__ = ["SlackTwin"]
