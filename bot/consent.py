"""Whether a member may be remembered: their decision and the tenant's default, the stricter of the two."""

from datetime import datetime
from typing import Literal

from bot.store.members import Consent
from bot.views import Button, View
from bot.wording import Language, wording

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


def notice(language: Language) -> View:
    """What a member gets once, in private, at first contact."""
    return View(
        text=wording("notice", language),
        buttons=(
            Button(action="consent:on", label=wording("notice_yes", language), is_primary=True),
            Button(action="consent:declined", label=wording("notice_no", language)),
        ),
    )
