"""Purging: erases all rows of a tenant or a room, portion by portion, so that others can write in between."""

from datetime import datetime

from persona import audit
from persona.audit import Actor, Entry
from persona.freezing import Origin
from persona.persona import MemberKey
from persona.ports import Transaction

MEMBERS_AT_ONCE = 50
"""Personas changed in one transaction: each is projected anew, and others want to write too."""

ROWS_AT_ONCE = 500
"""Rows of one table erased in one transaction."""

KEYS = {
    "message": "room, id",
    "inbox": "key",
    "outbox": "answer, part",
    "conversation": "room",
    "batch_request": "id",
    "evidence": "member, operation, number",
    "operation": "member, id",
    "fact": "member, id",
    "fence": "member, field",
    "fingerprint": "member, mark",
    "refusal": "member, id",
    "tidying": "member",
    "departure": "member",
    "member": "id",
    "usage": "call, member_tenant, member",
    "audit_salt": "member, field",
    "off_record": "room, member_tenant, member, since",
    "link": "member",
    "link_code": "member",
    "link_guess": "member, id",
    "agreement": "member, category",
    "note": "name",
    "rule": "name",
    "installation": "app",
    "install_state": "digest",
}
"""Every table with rows of tenants, and its primary key after the tenant. `origin` remembers what is gone; the audit
log stays for its time, and without its salts it tells of nobody."""

_PURGE = "DELETE FROM {table} WHERE tenant = :tenant AND ({key}) IN (SELECT {key} FROM {table}{only} LIMIT :most)"
_ALL = " WHERE tenant = :tenant"
_OF_ROOMS = """
    WHERE tenant = :tenant AND room IN (
        SELECT room FROM conversation WHERE conversation.tenant = :tenant AND conversation.frozen_by = :origin)
"""
_OUTBOX_OF_ROOMS = f"""
    WHERE tenant = :tenant AND answer IN (SELECT answer FROM inbox {_OF_ROOMS})
"""  # noqa: S608 - our own words
_INBOX_OF_ROOMS = f"""
    {_OF_ROOMS} AND NOT EXISTS (
        SELECT 1 FROM outbox WHERE outbox.tenant = inbox.tenant AND outbox.answer = inbox.answer)
"""  # noqa: S608
"""A reply is found by way of its question, which therefore stays until the last part of the reply is gone."""
_ROOM_TABLES = {"outbox": _OUTBOX_OF_ROOMS, "message": _OF_ROOMS, "inbox": _INBOX_OF_ROOMS, "off_record": _OF_ROOMS}
_CONVERSATIONS = "DELETE FROM conversation WHERE tenant = :tenant AND frozen_by = :origin"
_LINKS = "DELETE FROM link WHERE other_tenant = :tenant"
"""Of accounts elsewhere that are linked with one of the tenant's."""
_OF_PERSONAS = (
    "message",
    "outbox",
    "evidence",
    "operation",
    "fact",
    "refusal",
    "tidying",
    "audit_salt",
)
"""Whatever was said and follows from it. What members decided is theirs, and rooms are no words; nor are requests that
are out, by which their results are paid for, and erased at the provider's."""
_LET_GO = """
    UPDATE conversation
    SET learned_through = last_position, wanted_through = 0, attempts = 0, lease_owner = NULL, lease_until = 0
    WHERE tenant = :tenant
"""
_UNNAME = """
    UPDATE inbox SET author_tenant = NULL, author = NULL, facts = NULL
    WHERE tenant = :tenant AND (author IS NOT NULL OR facts IS NOT NULL)
"""
_SOME_CALLS = "(SELECT DISTINCT call FROM usage WHERE tenant = :tenant AND member <> '' ORDER BY call LIMIT :most)"
_JOIN_USAGE = f"""
    INSERT INTO usage (tenant, call, member_tenant, member, purpose, model, is_batch,
                       input_tokens, cached_tokens, written_tokens, output_tokens, cost, used_at)
    SELECT tenant, call, tenant, '', purpose, model, is_batch,
           sum(input_tokens), sum(cached_tokens), sum(written_tokens), sum(output_tokens), sum(cost), max(used_at)
    FROM usage WHERE tenant = :tenant AND member <> '' AND call IN {_SOME_CALLS}
    GROUP BY tenant, call, purpose, model, is_batch
    ON CONFLICT (tenant, call, member_tenant, member) DO NOTHING
"""  # noqa: S608 - our own words, here and below
_OFFERS = "DELETE FROM agreement WHERE tenant = :tenant AND state = 'offered'"
"""That somebody was asked says what they had said; what they answered is theirs."""
_PART_USAGE = f"DELETE FROM usage WHERE tenant = :tenant AND member <> '' AND call IN {_SOME_CALLS}"  # noqa: S608
_ROOMS = "DELETE FROM origin WHERE tenant = :tenant AND room <> ''"


async def purge_tenant(transaction: Transaction, origin: Origin, *, most: int) -> int:
    """Erase rows of a tenant, at most `most` of each table. Returns how many went; 0 once nothing is left."""
    erased = await transaction.execute(_ROOMS, tenant=origin.tenant)
    erased += await transaction.execute(_LINKS, tenant=origin.tenant)
    for table, key in KEYS.items():
        statement = _PURGE.format(table=table, key=key, only=_ALL)
        erased += await transaction.execute(statement, tenant=origin.tenant, most=most)
    return erased


async def purge_room(transaction: Transaction, origin: Origin, *, most: int) -> int:
    """Erase what was said in a closed room, at most `most` rows of each table. Returns how many; 0 once it is empty."""
    erased = 0
    for table, only in _ROOM_TABLES.items():
        statement = _PURGE.format(table=table, key=KEYS[table], only=only)
        erased += await transaction.execute(statement, tenant=origin.tenant, origin=origin.name, most=most)
    if not erased:
        await transaction.execute(_CONVERSATIONS, tenant=origin.tenant, origin=origin.name)
    return erased


async def let_go(transaction: Transaction, origin: Origin) -> int:
    """Let nothing be learned from what was said in a tenant up to now, not by a call that runs already either."""
    return await transaction.execute(_LET_GO, tenant=origin.tenant)


async def purge_personas(transaction: Transaction, origin: Origin, *, most: int) -> int:
    """Erase what members of a tenant we stay in said, and all that follows from it, at most `most` rows of each table.

    What they decided stays theirs. What calls cost stays, for the budget, but no longer for whom; so does that posts
    were answered, without whose they were. Returns how many rows went or changed; 0 once nothing is left.
    """
    erased = await transaction.execute(_UNNAME, tenant=origin.tenant)
    erased += await transaction.execute(_OFFERS, tenant=origin.tenant)
    await transaction.execute(_JOIN_USAGE, tenant=origin.tenant, most=most)
    erased += await transaction.execute(_PART_USAGE, tenant=origin.tenant, most=most)
    for table in _OF_PERSONAS:
        statement = _PURGE.format(table=table, key=KEYS[table], only=_ALL)
        erased += await transaction.execute(statement, tenant=origin.tenant, most=most)
    return erased


async def record(transaction: Transaction, origin: Origin, *, actor: Actor, now: datetime) -> None:
    """Leave one row in the audit log for all that is of nobody alone; it leaves no salt behind."""
    reason = "a room" if origin.room else "a tenant"
    entry = Entry(actor=actor, action="purge", reason=reason, is_erasure=True)
    await audit.record(transaction, MemberKey(tenant=origin.tenant, id=""), entry, now=now)
