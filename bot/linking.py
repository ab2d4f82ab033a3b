"""What crosses from a linked account: how a member likes answers, where they did not say it here. Nothing else."""

from dataclasses import replace

from bot import consent
from bot.messages import TenantId
from bot.store import links, members
from persona import store as personas
from persona.persona import Fact, Persona
from persona.ports import Transaction


async def styled(transaction: Transaction, persona: Persona, *, default: consent.Default) -> Persona:
    """The persona with the linked account's style in fields that it does not have itself."""
    own = {fact.field for fact in persona.current}
    crossing = await style(transaction, persona, default=default)
    return replace(persona, facts=(*persona.facts, *(fact for fact in crossing if fact.field not in own)))


async def style(transaction: Transaction, persona: Persona, *, default: consent.Default) -> tuple[Fact, ...]:
    """The style facts of the account that is linked with a member's, as long as that one is remembered, too."""
    link = await links.link_of(transaction, persona.member)
    if link is None:
        return ()
    held = await consent.holding(transaction, TenantId(link.other.tenant), default)
    if not held.is_on(await members.consent(transaction, link.other)):
        return ()
    return (await personas.read_style(transaction, link.other, at=persona.at)).facts
