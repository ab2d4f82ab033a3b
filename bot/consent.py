"""Whether a member may be remembered: their decision and the tenant's default, the stricter of the two."""

from datetime import datetime
from typing import Literal

from bot.store.members import Consent
from bot.views import Button, View

Default = Literal["ask", "on", "off"]
"""What holds for members who decided nothing: ask them first, learn, or never learn."""


def is_on(consent: Consent, default: Default) -> bool:
    """Whether the member's persona may be read and written now."""
    if default == "off":
        return False
    return consent.state == "on" or (default == "on" and consent.state in {"off", "asked"})


def covers(consent: Consent, default: Default, said_at: datetime) -> bool:
    """Whether what the member said at `said_at` may be learned: nothing from before they agreed, or while paused."""
    return is_on(consent, default) and (consent.state != "on" or consent.since is None or said_at >= consent.since)


def is_to_be_asked(consent: Consent, default: Default) -> bool:
    """Whether the member has not yet been told that there is something to decide."""
    return default == "ask" and consent.state == "off"


NOTICE = View(
    text=(
        "May I remember what you tell me about yourself, such as your role, your tools or how long you like answers?"
        " I would use it to answer you better. What you say in a public channel I may use in any room without"
        " outsiders, what you say in a private one stays there; how you like answers shapes them everywhere, and is"
        " never spoken."
        " You can see and delete all of it with /persona. Nothing is remembered unless you agree, and I answer you"
        " either way."
    ),
    buttons=(
        Button(action="consent:on", label="Yes, remember", is_primary=True),
        Button(action="consent:withdrawn", label="No, thanks"),
    ),
)
"""What a member gets once, in private, at first contact."""
