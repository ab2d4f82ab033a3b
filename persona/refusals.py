"""Why the guard refuses a proposal: one closed list, counted by operators and shown to members."""

from typing import Literal

Reason = Literal[
    "no evidence",
    "unknown message",
    "several authors",
    "not a member",
    "quote not found",
    "quote too long",
    "unknown field",
    "unknown value",
    "not observable",
    "not a choice",
    "not a date",
    "not a number",
    "bad period",
    "empty",
    "too long",
    "link",
    "sensitive",
    "instruction",
    "not said",
    "quota",
    "forgotten",
]
"""`not said` means that the quoted words do not bear out the value; `forgotten` that the member had it removed after
saying it; `quota` that too much came from one message or day."""


class RefusedError(Exception):
    """A proposal may not be kept."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
