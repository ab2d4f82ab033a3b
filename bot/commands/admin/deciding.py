"""What verbs that decide something for a tenant share: the act and its row in the audit log, in one transaction."""

from collections.abc import Awaitable, Callable
from functools import partial

from bot.commands.command import Asked, Context
from bot.messages import TenantId
from persona import audit
from persona.audit import Entry
from persona.persona import MemberKey
from persona.ports import Transaction

Decision = Callable[[Transaction], Awaitable[None]]


async def decide(context: Context, asked: Asked, action: str, decision: Decision) -> None:
    """Keep a decision about the tenant it is asked in; `action` is what the audit log calls it."""
    await context.store.write(partial(_keep, context=context, tenant=asked.tenant, action=action, decision=decision))


async def _keep(
    transaction: Transaction, *, context: Context, tenant: TenantId, action: str, decision: Decision
) -> None:
    await decision(transaction)
    entry = Entry(actor=audit.BY_ADMIN, action=action)
    await audit.record(transaction, MemberKey(tenant=tenant, id=""), entry, now=context.clock.now())
