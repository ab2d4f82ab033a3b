"""Whether a member may be remembered: their decision, their tenant's and the installation's, the strictest of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.messages import TenantId
from bot.store import rules
from bot.store.members import Consent
from bot.views import Button, View
from bot.wording import Language, wording
from persona.ports import Transaction

Default = rules.Default


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What holds in a tenant for everybody."""

    default: Default
    """For members who decided nothing; off for everybody, whatever they decided."""
    since: datetime | None = None
    """What was said before is not learned."""
    closed_by: Literal["", "installation", "admin", "pause"] = ""
    """Who switched remembering off for everybody, if it is."""

    def is_on(self, decision: Consent) -> bool:
        """See `is_on`."""
        return is_on(decision, self.default)

    def covers(self, decision: Consent, said_at: datetime) -> bool:
        """See `covers`."""
        return covers(decision, self.default, said_at) and (self.since is None or said_at >= self.since)

    def is_to_be_asked(self, decision: Consent) -> bool:
        """See `is_to_be_asked`."""
        return is_to_be_asked(decision, self.default)


async def holding(transaction: Transaction, tenant: TenantId, default: Default) -> Holding:
    """What holds in a tenant now, where `default` is the installation's."""
    decided = await rules.read(transaction, tenant)
    if default == "off":
        return Holding(default="off", closed_by="installation")
    if decided.is_paused:
        return Holding(default="off", closed_by="pause")
    if decided.consent == "off":
        return Holding(default="off", closed_by="admin")
    return Holding(default=rules.stricter(default, decided.consent or default), since=decided.since)


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
