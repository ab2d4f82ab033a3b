"""Commands said to Rapport instead of typed as such: "@Rapport persona show", where there are no slash commands."""

import re

_COMMAND = re.compile(r"\s*/?persona(?!\S)(.*)", re.DOTALL | re.IGNORECASE)


def words(text: str) -> str | None:
    """What stands after the word that makes a message a command; None if it is none."""
    found = _COMMAND.fullmatch(text)
    return None if found is None else found[1].strip()
