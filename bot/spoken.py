"""Commands said to Rapport instead of typed as such: "@Rapport persona show", where there are no slash commands."""

import re
from collections.abc import Container

_COMMAND = re.compile(r"\s*(/?)persona(?!\S)(.*)", re.DOTALL | re.IGNORECASE)


def words(text: str, verbs: Container[str]) -> str | None:
    """What stands after the word that makes a message a command; None if it is none.

    Without a slash one of `verbs` has to follow, or nothing: "persona non grata" is talk.
    """
    found = _COMMAND.fullmatch(text)
    if found is None:
        return None
    rest = found[2].strip()
    verb = rest.split(maxsplit=1)[0].casefold() if rest else ""
    return rest if found[1] or not rest or verb in verbs else None
