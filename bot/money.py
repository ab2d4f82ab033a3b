"""US dollars as people write them, and as we keep them: whole micro-dollars. Pure."""

import re

CENT = 10_000
MAX_DOLLARS = 1_000_000
_AMOUNT = re.compile(r"\$?\s*(\d{1,7})(?:[.,](\d{1,2}))?\s*\$?", re.ASCII)


def micros(text: str) -> int:
    """An amount such as `50`, `7.50` or `$20`.

    Raises:
        ValueError: it is none, or none that a month can cost; the message says what to write.
    """
    found = _AMOUNT.fullmatch(text.strip())
    cents = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) if found else 0
    if not 0 < cents <= MAX_DOLLARS * 100:
        raise ValueError(
            f"{text[:40]!r} is not an amount I can use; write US dollars, such as 50 or 7.50, up to {MAX_DOLLARS:,}"
        )
    return cents * CENT


def spelled(amount: int) -> str:
    """An amount, rounded to cents."""
    return "less than $0.01" if 0 < amount < CENT else f"${amount / 1_000_000:,.2f}"
