"""The vault: what is sealed can be opened by its key alone, and only where it was sealed for."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store import vault
from bot.store.vault import Vault
from persona.ports import Cell

MASTER = bytes(range(32))
KEY_CELL = ("member_key", "slack:T1", "U1", "k1")
CELL = ("message.text", "slack:T1", "C1", "m1")


def key() -> str:
    return Vault(MASTER).new_key(KEY_CELL)


@given(
    text=st.text(min_size=1).filter(lambda text: text.isprintable()),
    cell=st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=4).map(tuple),
)
def test_what_is_sealed_comes_back(text: str, cell: Cell) -> None:
    """Any text comes back as it was, in its own cell, and what is stored shows nothing of it."""
    cipher = Vault(MASTER).cipher(key(), KEY_CELL)
    assert cipher is not None
    stored = vault.sealed(cipher, text, key="k1", cell=cell)

    assert vault.opened(cipher, vault.parts(stored)[1], cell) == text
    assert vault.parts(stored)[0] == "k1"
    assert len(text) < 4 or text not in stored


def test_the_same_words_are_never_sealed_alike() -> None:
    """Two members who say the same, or one who says it twice, leave nothing that is equal."""
    cipher = Vault(MASTER).cipher(key(), KEY_CELL)
    assert cipher is not None

    assert len({vault.sealed(cipher, "Lisbon", key="k1", cell=CELL) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "cell",
    [
        ("fact.value", "slack:T1", "C1", "m1"),
        ("message.text", "slack:T2", "C1", "m1"),
        ("message.text", "slack:T1", "C1", "m2"),
        ("message.text", "slack:T1", "C1m1"),
        ("message.text", "slack:T1C1", "", "m1"),
        (),
    ],
)
def test_it_cannot_be_moved(cell: tuple[str, ...]) -> None:
    """What was sealed for one column of one row cannot be opened in another, however their names run together."""
    cipher = Vault(MASTER).cipher(key(), KEY_CELL)
    assert cipher is not None
    stored = vault.sealed(cipher, "Lisbon", key="k1", cell=CELL)

    assert vault.opened(cipher, vault.parts(stored)[1], cell) is None


@pytest.mark.parametrize("position", range(5))
def test_it_cannot_be_altered(position: int) -> None:
    """A single changed bit is noticed, in the nonce, the words or the seal."""
    cipher = Vault(MASTER).cipher(key(), KEY_CELL)
    assert cipher is not None
    content = bytearray(base64.b64decode(vault.parts(vault.sealed(cipher, "Lisbon", key="k1", cell=CELL))[1]))
    content[position * (len(content) - 1) // 4] ^= 1

    assert vault.opened(cipher, base64.b64encode(content).decode(), CELL) is None


@pytest.mark.parametrize("stored", ["", "Lisbon", "v1", "v1.k1", "v1.k1.", "v1.k1.Lis bon", "v1.k1.bon", "v1.k1.ü"])
def test_what_was_never_sealed_is_not_opened(stored: str) -> None:
    """Anything else is nothing, and no error."""
    cipher = Vault(MASTER).cipher(key(), KEY_CELL)
    assert cipher is not None

    assert vault.opened(cipher, vault.parts(stored)[1], CELL) is None


@pytest.mark.parametrize("stored", ["", "Lisbon", "v2.k1.bGlzYm9u", "version v1.k1 is out"])
def test_what_was_never_sealed_names_no_key(stored: str) -> None:
    """Words, and forms of a later version, name no key of ours."""
    assert vault.parts(stored) == ("", "")


def test_a_key_is_of_use_to_its_vault_alone() -> None:
    """A wrapped key is worth nothing without the master key, or under the name of another member."""
    wrapped = key()

    assert Vault(os.urandom(32)).cipher(wrapped, KEY_CELL) is None
    assert Vault(MASTER).cipher(wrapped, ("member_key", "slack:T1", "U2", "k1")) is None
