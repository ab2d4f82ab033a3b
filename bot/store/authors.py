"""Authors: who said what is accepted, without opening its words."""

from collections.abc import Iterable

from bot.messages import Accepted
from persona.persona import MemberKey
from persona.ports import Transaction

_AUTHOR = """
    SELECT author_tenant, author FROM message
    WHERE tenant = :tenant AND room = :room AND id = :message AND author IS NOT NULL
"""


async def of(transaction: Transaction, every: Iterable[Accepted]) -> list[MemberKey | None]:
    """The author of each message, in the same order; None for one that is gone."""
    found: list[MemberKey | None] = []
    for accepted in every:
        room = accepted.room
        row = await transaction.fetch_one(_AUTHOR, tenant=room.tenant, room=room.id, message=accepted.id)
        found.append(None if row is None else MemberKey(tenant=row["author_tenant"], id=row["author"]))
    return found
