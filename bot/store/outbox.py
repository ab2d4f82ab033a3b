"""The outbox: each part of each reply, and whether the platform has it.

A part is `open` while its text still grows, `ready` once the text is final, `sent` once the platform shows it so.
`post` is the platform's id of the post, as soon as it is known: a part without one may have been posted all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.messages import AnswerId, TenantId
from persona.persona import MemberKey
from persona.ports import Cell, Transaction

State = Literal["open", "ready", "sent"]

_OPEN = """
    INSERT INTO outbox (tenant, answer, part, text, state, post) VALUES (:tenant, :answer, 0, :text, 'open', NULL)
    ON CONFLICT (tenant, answer, part) DO UPDATE SET state = 'open'
"""
_READY = """
    INSERT INTO outbox (tenant, answer, part, text, state, post) VALUES (:tenant, :answer, :part, :text, 'ready', NULL)
    ON CONFLICT (tenant, answer, part) DO UPDATE SET text = excluded.text, state = 'ready'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One post of a reply."""

    number: int
    text: str
    state: State
    post: str | None
    """The platform's id of it, once known."""
    is_new: bool = False
    """Whether it was stored just now: nobody can have posted it yet. Without this and a `post`, nobody knows."""


async def parts(transaction: Transaction, tenant: TenantId, answer: AnswerId) -> list[Part]:
    """The parts of a reply as far as they are stored, in order. One that cannot be opened any more has no text."""
    rows = await transaction.fetch(
        "SELECT * FROM outbox WHERE tenant = :tenant AND answer = :answer ORDER BY part", tenant=tenant, answer=answer
    )
    texts = await transaction.unseal([(row["text"], _cell(tenant, answer, row["part"])) for row in rows])
    return [
        Part(number=row["part"], text=text or "", state=row["state"], post=row["post"])
        for row, text in zip(rows, texts, strict=True)
    ]


async def begin(transaction: Transaction, tenant: TenantId, answer: AnswerId, text: str, *, owner: MemberKey) -> Part:
    """Say that the first part is being posted with a text that still grows.

    The text that it begins with is kept, sealed for `owner`: a platform may know the post by nothing else.
    """
    known = await parts(transaction, tenant, answer)
    sealed = "" if known else await transaction.seal(text, owner=owner, cell=_cell(tenant, answer, 0))
    await transaction.execute(_OPEN, tenant=tenant, answer=answer, text=sealed)
    return Part(number=0, text=text, state="open", post=known[0].post if known else None, is_new=not known)


async def make_ready(
    transaction: Transaction, tenant: TenantId, answer: AnswerId, texts: Sequence[str], *, owner: MemberKey
) -> list[Part]:
    """Store the final text of every part, sealed for `owner`, so that no restart has to ask the model again."""
    known = {part.number: part for part in await parts(transaction, tenant, answer)}
    for number, text in enumerate(texts):
        sealed = await transaction.seal(text, owner=owner, cell=_cell(tenant, answer, number))
        await transaction.execute(_READY, tenant=tenant, answer=answer, part=number, text=sealed)
    return [
        Part(
            number=number,
            text=text,
            state="ready",
            post=known[number].post if number in known else None,
            is_new=number not in known,
        )
        for number, text in enumerate(texts)
    ]


async def reseal(
    transaction: Transaction, tenant: TenantId, answer: AnswerId, parts: Sequence[Part], *, owner: MemberKey
) -> None:
    """Seal the parts of a reply anew, with the key that `owner` has now."""
    for part in parts:
        await transaction.execute(
            "UPDATE outbox SET text = :text WHERE tenant = :tenant AND answer = :answer AND part = :part",
            tenant=tenant,
            answer=answer,
            part=part.number,
            text=await transaction.seal(part.text, owner=owner, cell=_cell(tenant, answer, part.number)),
        )


async def erase(transaction: Transaction, tenant: TenantId, answer: AnswerId) -> None:
    """Forget a reply that is shown."""
    await transaction.execute(
        "DELETE FROM outbox WHERE tenant = :tenant AND answer = :answer", tenant=tenant, answer=answer
    )


async def posted(transaction: Transaction, tenant: TenantId, answer: AnswerId, part: int, post: str) -> None:
    """Record the platform's id of a part."""
    await transaction.execute(
        "UPDATE outbox SET post = :post WHERE tenant = :tenant AND answer = :answer AND part = :part",
        tenant=tenant,
        answer=answer,
        part=part,
        post=post,
    )


async def drop(transaction: Transaction, tenant: TenantId, answer: AnswerId, part: int) -> None:
    """Forget a part that the platform does not have: whoever posts it next posts it for the first time."""
    await transaction.execute(
        "DELETE FROM outbox WHERE tenant = :tenant AND answer = :answer AND part = :part AND post IS NULL",
        tenant=tenant,
        answer=answer,
        part=part,
    )


async def sent(transaction: Transaction, tenant: TenantId, answer: AnswerId) -> None:
    """Every part is shown in its final text."""
    await transaction.execute(
        "UPDATE outbox SET state = 'sent' WHERE tenant = :tenant AND answer = :answer", tenant=tenant, answer=answer
    )


def _cell(tenant: str, answer: str, part: int) -> Cell:
    return "outbox.text", tenant, answer, str(part)
