"""What can go wrong, in one tree.

BotError
├── SettingsError          the environment does not say what we need
├── StoreError             durable state
│   ├── StoreBusyError         another program holds the database
│   ├── StoreReadOnlyError     it cannot be written
│   ├── StoreFullError         there is no room left
│   ├── StoreNewerError        a newer version of Rapport wrote it
│   ├── StoreKeyError          it is sealed with a key we do not have
│   └── StoreDamagedError      it is not a database, or a broken one
├── ModelError             no finished answer from a language model
│   ├── ModelKeyError          the key is missing, wrong or revoked
│   ├── ModelLimitError        a spend limit is reached: waiting does not help
│   ├── BudgetSpentError       a tenant's budget for this month is used up
│   │   └── MemberBudgetSpentError  what answers to one member may cost in a day
│   ├── ModelBusyError         rate limit or overload, after our own tries
│   ├── ModelUnreachableError  no connection, or nothing came in time
│   ├── ModelCutError          the answer began and did not end
│   ├── ModelRefusedError      the model declined
│   └── ModelRequestError      the request itself was refused
│       └── ModelUnknownError      there is no such model
├── LeaseLostError         another worker has by now what we were working on
└── PlatformError          Slack or Discord
    ├── PlatformKeyError       a token is missing, wrong or revoked
    ├── PlatformUnreachableError   no connection to the platform
    ├── NotDeliveredError      the platform refused a post for good
    │   └── PostGoneError          somebody deleted it
    └── UnclearDeliveryError   the platform may or may not have taken a post

The docstring is the default message. `for_member` is the honest sentence a member gets, with a next step.
"""

from datetime import datetime
from typing import ClassVar

from persona.ports import Usage


class BotError(Exception):
    """Something went wrong in Rapport."""

    for_member: ClassVar[str] = "Something went wrong on my side, so I have no answer. Please ask again in a minute."

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").strip()


class SettingsError(BotError):
    """The settings cannot be used."""


class StoreError(BotError):
    """The database failed."""

    for_member = "I cannot reach my notes right now, so I have no answer. Please ask again in a few minutes."


class StoreBusyError(StoreError):
    """Another program holds the database; stop it, or let it finish."""


class StoreReadOnlyError(StoreError):
    """The database cannot be written; check the rights on the file and its folder."""


class StoreFullError(StoreError):
    """There is no room left on the disk of the database; free some, nothing was lost."""


class StoreNewerError(StoreError):
    """The database was written by a newer version of Rapport; run that version, or restore an older backup."""


class StoreKeyError(StoreError):
    """The database is sealed with another key; set PERSONA_KEY to that one, or restore its key files."""


class StoreDamagedError(StoreError):
    """The file is not a database, or a damaged one; move it away or restore a backup."""


class ModelError(BotError):
    """The language model gave no finished answer."""

    used: Usage | None = None
    """What was consumed all the same, where the provider said so."""

    is_away: bool = False
    """Whether the model was not asked at all, since it failed again and again."""

    for_member = "The language model gave me no answer. Please ask again in a minute."


class ModelKeyError(ModelError):
    """The model's key was refused; check ANTHROPIC_API_KEY."""

    for_member = "I am not set up correctly: the language model refuses my key. Please tell whoever runs me."


class ModelLimitError(ModelError):
    """A spend limit at the model provider is reached; raise it in the provider's console."""

    for_member = "The budget for answers is used up for now. Please tell whoever runs me."


class BudgetSpentError(ModelError):
    """A tenant's budget for this month is used up; raise it with `/persona-admin budget` or MONTHLY_BUDGET."""

    for_member = (
        "The budget for this month is used up here, so I have no answer. I go on next month, or as soon as an admin"
        " raises it. Please ask again then."
    )

    def __init__(self, *words: object, until: datetime) -> None:
        super().__init__(*words)
        self.until = until
        """When it goes on."""


class MemberBudgetSpentError(BudgetSpentError):
    """What the answers to one member may cost in a day is used up; raise it with MEMBER_DAILY_BUDGET."""

    for_member = "Your share of answers is used up for today. Please ask again tomorrow; all my commands go on."


class ModelBusyError(ModelError):
    """The model is overloaded or rate limited."""

    for_member = "The language model is overloaded right now. Please ask again in a few minutes."


class ModelUnreachableError(ModelError):
    """The model could not be reached, or stayed silent too long; check the network and ANTHROPIC_BASE_URL."""

    for_member = "I cannot reach the language model right now. Please ask again in a few minutes."


class ModelCutError(ModelError):
    """The model's answer broke off."""

    for_member = "The answer broke off before it was finished. Please ask again."


class ModelRefusedError(ModelError):
    """The model declined to answer."""

    for_member = "The language model declined to answer this. Asking in other words may help."


class ModelRequestError(ModelError):
    """The model refused the request; check ANTHROPIC_MODEL and PERSONA_MODEL."""

    for_member = "The language model could not take this request. Please tell whoever runs me."


class ModelUnknownError(ModelRequestError):
    """There is no such model, or no such service; check ANTHROPIC_MODEL, PERSONA_MODEL and ANTHROPIC_BASE_URL."""


class LeaseLostError(BotError):
    """Another worker has by now what this one was working on; what we have of it is not kept."""


class PlatformError(BotError):
    """The platform failed."""


class PlatformKeyError(PlatformError):
    """The platform refused our token."""


class PlatformUnreachableError(PlatformError):
    """The platform could not be reached."""


class NotDeliveredError(PlatformError):
    """The platform refused the post, and would refuse it again."""


class PostGoneError(NotDeliveredError):
    """Somebody deleted the post: it is neither changed nor made again."""


class UnclearDeliveryError(PlatformError):
    """The connection broke while posting: the post may have been taken."""
