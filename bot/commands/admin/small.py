"""Counts that tell of nobody (decision 0018): coarse, and none of a group in which each is known to all.

An admin sees who is in a room. In a group of four, "one agreed" is nearly a name, and of two counts on two days the
difference is one member. So counts go in steps, and small groups have none.
"""

from collections.abc import Mapping

STEP = 5
SMALL = "Fewer than five members asked me something here, so I show no counts of them."


def is_small(decisions: Mapping[str, int]) -> bool:
    """Whether a tenant has too few members for any count."""
    return sum(decisions.values()) < STEP


def coarse(number: int) -> str:
    """A count of what members did or are."""
    return "fewer than 5" if number < STEP else f"{number - number % STEP:,} or more"
