"""What binds a button to the exact thing it does (control S5): a digest of all that has to be the same when pressed."""

import hashlib


def bound(*exact: str) -> str:
    """The digest of some texts in this order, short enough for an action."""
    return hashlib.sha256("\x1f".join(exact).encode("utf-8", "replace")).hexdigest()[:16]
