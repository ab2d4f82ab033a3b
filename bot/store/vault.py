"""How words are sealed: AES-256-GCM with a key for each member, which the master key wraps. Knows no table.

What is sealed is bound to its cell, the column and the key of its row: in any other place it cannot be opened.
"""

import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from persona.ports import Cell

KEY_BYTES = 32
NONCE_BYTES = 12
"""Random, so one key is good for four thousand million values (NIST SP 800-38D, 8.3): nobody says that much."""

_FORM = "v1."


class Vault:
    """Holds the master key. May be used by several threads."""

    def __init__(self, master: bytes) -> None:
        self._master = AESGCM(master)
        self.generation = 0
        """How often keys were destroyed: whoever keeps unwrapped ones starts anew when it moves."""

    def new_key(self, cell: Cell) -> str:
        """A new key, wrapped: it is of use to this vault alone, and in this cell."""
        return _encrypted(self._master, os.urandom(KEY_BYTES), cell)

    def cipher(self, wrapped: str, cell: Cell) -> AESGCM | None:
        """What seals and opens with a wrapped key; None if it is not one of this vault and this cell."""
        key = _decrypted(self._master, wrapped, cell)
        return None if key is None else AESGCM(key)


def sealed(cipher: AESGCM, text: str, *, key: str, cell: Cell) -> str:
    """`text` so that only `cipher` can open it, and only in this cell; says which key that is."""
    return f"{_FORM}{key}.{_encrypted(cipher, text.encode(), cell)}"


def parts(stored: str) -> tuple[str, str]:
    """The id of the key that something was sealed with, and what `opened` takes; empty for what never was sealed."""
    key, _, content = stored.rpartition(".")
    return (key[len(_FORM) :], content) if key.startswith(_FORM) else ("", "")


def opened(cipher: AESGCM, content: str, cell: Cell) -> str | None:
    """What was sealed; None if it was altered, or stands in another cell than it was sealed for."""
    text = _decrypted(cipher, content, cell)
    return None if text is None else text.decode()


def _encrypted(cipher: AESGCM, content: bytes, cell: Cell) -> str:
    nonce = os.urandom(NONCE_BYTES)
    encrypted = cipher.encrypt(nonce, content, _bound(cell))
    return binascii.b2a_base64(nonce + encrypted, newline=False).decode()


def _decrypted(cipher: AESGCM, text: str, cell: Cell) -> bytes | None:
    try:
        content = binascii.a2b_base64(text)
        return cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], _bound(cell))
    except (InvalidTag, ValueError):  # ValueError: no base64, or too short for a nonce
        return None


def _bound(cell: Cell) -> bytes:
    """The cell as bytes; no two are alike, since no text has this byte in its UTF-8."""
    return b"\xff".join([part.encode() for part in cell])
