"""Which of Slack's variables need which others: one workspace or many, over a socket or over HTTP."""

from collections.abc import Mapping

BOT, APP, SIGNING = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"
ID, SECRET = "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"
"""With these two, workspaces install the app themselves, and each has a token of its own."""


def mistakes(given: Mapping[str, object]) -> list[str]:
    """What is missing or too much among the variables that are set, each with its mend."""
    return [*_halves(given), *_without_transport(given), *_without_workspace(given), *_without_port(given)]


def _halves(given: Mapping[str, object]) -> list[str]:
    halves = [
        f"{other}: it is missing while {one} is set; both stand on the Slack app's page Basic Information"
        for one, other in ((ID, SECRET), (SECRET, ID))
        if one in given and other not in given
    ]
    why = f"it is one workspace's token, while {ID} lets many workspaces install the app; set one of them"
    return halves + [f"{BOT}: {why}"] * (BOT in given and ID in given)


def _without_transport(given: Mapping[str, object]) -> list[str]:
    if APP in given or SIGNING in given:
        return []
    why = f"Socket Mode needs it, or set {SIGNING} to have Slack deliver over HTTP"
    return [f"{APP}: it is missing while {one} is set; {why}" for one in (BOT, ID) if one in given][:1]


def _without_workspace(given: Mapping[str, object]) -> list[str]:
    if any(one in given for one in (BOT, ID, SECRET)):
        return []
    why = f"copy the bot token from the Slack app's page OAuth & Permissions, or set {ID} for many workspaces"
    return [f"{BOT}: it is missing while {one} is set; {why}" for one in (APP, SIGNING) if one in given][:1]


def _without_port(given: Mapping[str, object]) -> list[str]:
    if "PORT" in given:
        return []
    if ID in given:
        return [f"PORT: it is missing while {ID} is set; workspaces are installed over HTTP"]
    if SIGNING in given and APP not in given:
        return [f"PORT: it is missing while {SIGNING} is set without {APP}; Slack delivers to it over HTTP"]
    return []
