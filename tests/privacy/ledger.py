"""What was told in a story, and what of it must be gone: written down as it happens, and by nothing of the product.

Every fact and every message holds a canary of its own. A member is a tenant and an id, a post a tenant, room and id.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

Who = tuple[str, str]
Place = tuple[str, str, str]

CANARY = re.compile(r"zqö[0-9a-f]{6}z")
"""With a letter that JSON, URLs and byte orders write in other ways; Base64 may mix its end with what follows."""


@dataclass(slots=True, kw_only=True)
class Told:
    """Something with a canary: a fact, or the words around it in one message."""

    who: Who
    is_fact: bool
    posts: set[Place] = field(default_factory=set)
    """Where it stands."""
    were: set[Place] = field(default_factory=set)
    """Where it stood: the message was deleted, or edited so that it is not in it any more."""

    @property
    def is_taken_back(self) -> bool:
        """Whether it was said, and every message that said it is gone."""
        return bool(self.were) and not self.posts


class Ledger:
    """What was told so far, and what became of it."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        """By canary."""
        self.erased: set[str] = set()
        """The canaries of members who had everything erased, as far as they were told before."""
        self.withheld: set[str] = set()
        """Facts that nobody may be answered with: their messages are gone, or we are, from where they were told."""
        self._at: defaultdict[Place, set[str]] = defaultdict(set)

    def canary(self, who: Who, *, is_fact: bool) -> str:
        """A new one."""
        made = f"zqö{len(self.told):06x}z"
        self.told[made] = Told(who=who, is_fact=is_fact)
        return made

    def says(self, post: Place, text: str) -> None:
        """A message reads like this now, whether it is new or was edited."""
        now = set(CANARY.findall(text))
        for gone in self._at[post] - now:
            self.told[gone].posts.discard(post)
            self.told[gone].were.add(post)
        for new in now:
            self.told[new].posts.add(post)
        self._at[post] = now

    def at(self, post: Place) -> set[str]:
        """What stands in a message."""
        return set(self._at[post])

    def erase(self, who: Who) -> None:
        """A member has everything erased that they told until now."""
        self.erased |= set(self.of(who))

    def of(self, who: Who) -> list[str]:
        """The canaries of a member."""
        return [canary for canary, told in self.told.items() if told.who == who]

    def taken_back(self) -> set[str]:
        """Facts whose last message is gone."""
        return {canary for canary, told in self.told.items() if told.is_fact and told.is_taken_back}

    def known_from(self, tenant: str) -> set[str]:
        """Facts that were told in a tenant and nowhere else."""
        return {
            canary
            for canary, told in self.told.items()
            if told.is_fact and told.posts and {place[0] for place in told.posts} == {tenant}
        }


def found(text: str) -> set[str]:
    """The canaries in a text, as they are or as JSON escapes them."""
    return set(CANARY.findall(text)) | set(CANARY.findall(text.replace("\\u00f6", "ö")))
