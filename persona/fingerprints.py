"""What keeps a message from teaching again what a member had forgotten of it: a salted mark, which says nothing itself.

A fence ends everything that was said of a field before a moment; a fingerprint ends one message for one field, and
leaves what was said before and after it alone. Table: fingerprint.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from persona.persona import Evidence, MemberKey
from persona.ports import Row, Transaction, Value

_READ = "SELECT salt, mark FROM fingerprint WHERE tenant = :tenant AND member = :member"
_KEEP = """
    INSERT INTO fingerprint (tenant, member, mark, salt) VALUES (:tenant, :member, :mark, :salt)
    ON CONFLICT (tenant, member, mark) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """The marks of one member, all made with that member's salt."""

    salt: str = ""
    marks: frozenset[str] = frozenset()

    def know(self, field: str, evidence: Iterable[Evidence]) -> bool:
        """Whether the member had forgotten what one of these messages taught of a field."""
        return bool(self.marks) and any(mark(self.salt, field, one) in self.marks for one in evidence)


Prints = Mapping[MemberKey, Fingerprints]
"""The fingerprints of several members; one who is not there has none."""


def mark(salt: str, field: str, evidence: Evidence) -> str:
    """The mark of one message for one field: without the salt nobody can tell which message it was."""
    reference = f"{field}\x1f{evidence.tenant}\x1f{evidence.room}\x1f{evidence.message}"
    return hmac.new(salt.encode(), reference.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]


async def read(transaction: Transaction, members: Iterable[MemberKey]) -> dict[MemberKey, Fingerprints]:
    """The fingerprints of each of `members`."""
    return {member: _fingerprints(await _rows(transaction, member)) for member in members}


async def keep(
    transaction: Transaction, member: MemberKey, forgotten: Iterable[tuple[str, Evidence]], *, salt: str
) -> None:
    """Keep the marks of pairs of a field and a message; `salt` is the member's, if they have none yet."""
    known = _fingerprints(await _rows(transaction, member)).salt or salt
    for field, evidence in forgotten:
        owner: dict[str, Value] = {"tenant": member.tenant, "member": member.id}
        await transaction.execute(_KEEP, **owner, mark=mark(known, field, evidence), salt=known)


async def _rows(transaction: Transaction, member: MemberKey) -> list[Row]:
    return list(await transaction.fetch(_READ, tenant=member.tenant, member=member.id))


def _fingerprints(rows: list[Row]) -> Fingerprints:
    return Fingerprints(salt=rows[0]["salt"] if rows else "", marks=frozenset(row["mark"] for row in rows))
