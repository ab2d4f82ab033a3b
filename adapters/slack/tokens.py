"""What a secret is known by where it must not stand itself."""

import hashlib


def fingerprint(secret: str) -> str:
    """The same for the same secret; nobody can tell the secret by it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]
