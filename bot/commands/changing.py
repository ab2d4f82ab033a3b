"""What verbs that change a persona by hand share: the member's facts as they are now, and one update kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import consent
from bot.binding import bound
from bot.commands import refused, wording
from bot.commands.command import Asked, Context, decided
from bot.messages import ROOMLESS, TenantId, platform_of
from bot.store import conversations, members
from bot.views import Button, View
from persona import audience, audit, editing
from persona import store as personas
from persona.audience import Audience
from persona.canonical import comparable
from persona.operations import Operation, UpdateId
from persona.persona import Fact, FactId, Persona
from persona.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A member's persona as they see it, and what they decided."""

    persona: Persona
    decision: members.Consent
    held: consent.Holding

    def fact(self, fact_id: str) -> Fact | None:
        """The member's fact of exactly this id."""
        return next((fact for fact in self.persona.facts if fact.id == FactId(fact_id)), None)

    def closed(self) -> View | None:
        """Why nothing may be changed now; None if it may."""
        return wording.while_off(self.decision, self.held)


async def standing(transaction: Transaction, *, context: Context, asked: Asked) -> Standing:
    """What is known of whoever asks."""
    key, now = asked.member.key, context.clock.now()
    decision, held = await decided(transaction, context=context, asked=asked)
    persona = await personas.read_history(transaction, key, schema=context.schema, at=now)
    return Standing(persona=persona, decision=decision, held=held)


async def begin(transaction: Transaction, *, context: Context, asked: Asked, act: editing.Act) -> editing.Command:
    """A change by hand, made now and after everything the member said, on whichever clock."""
    key, now = asked.member.key, context.clock.now()
    after = await conversations.decided_at(transaction, key, now=now)
    return await editing.command(transaction, key, act, now=now, after=after)


async def may_change(transaction: Transaction, *, asked: Asked, now: datetime) -> View | None:
    """A sentence for whoever changed too much today."""
    done = await editing.done_since(transaction, asked.member.key, now - timedelta(days=1))
    return View(text=refused.too_many(editing.MAX_PER_DAY)) if done >= editing.MAX_PER_DAY else None


async def keep(
    transaction: Transaction, operations: Sequence[Operation], command: editing.Command, *, context: Context
) -> Fact:
    """Keep the operations as one update; the fact that follows from the last of them."""
    schema, now = context.schema, context.clock.now()
    await personas.learn(transaction, operations, schema=schema, update=command.update, now=now, actor=audit.BY_MEMBER)
    persona = await personas.read_history(transaction, command.member, schema=schema, at=now)
    last = operations[-1]
    return next(
        fact
        for fact in reversed(persona.of(last.field))
        if fact.audience == last.audience and comparable(fact.value) == comparable(last.value)
    )


def undo(update: UpdateId) -> Button:
    """The way back."""
    return Button(action=f"undo:{update}", label="Undo")


def wider(fact: Fact, asked: Asked, persona: Persona) -> Audience | None:
    """What the member may widen a fact to that holds and is theirs; None if to nothing, or if it is so already."""
    home = _home(fact, asked)
    choices = audience.wider(fact.audience, tenants=[home] if home else [])
    if not choices or not fact.holds(persona.at) or wording.is_known_more_widely(fact, persona.facts, persona.at):
        return None
    return choices[0]


def _home(fact: Fact, asked: Asked) -> TenantId | None:
    """The tenant a fact belongs to: where it was said, or else where it is looked at, or where its member is."""
    said = [one.tenant for one in reversed(fact.evidence) if not editing.is_by_hand(one)]
    room = asked.room
    seen = [room.tenant] if room is not None and room.kind in {"private", "public"} else []
    tenants = (TenantId(tenant) for tenant in [*said, *seen, asked.member.tenant])
    return next((tenant for tenant in tenants if tenant not in ROOMLESS), None)


def widening(fact: Fact, asked: Asked, persona: Persona) -> tuple[Button, ...]:
    """The button that asks to widen a fact, if it can be."""
    target = wider(fact, asked, persona)
    if target is None:
        return ()
    return (Button(action=f"widen:{fact.id}:{digest(fact, target)}", label=f"Let it be used {rooms(target)}"),)


def rooms(target: Audience) -> str:
    """Where a fact of a tenant's audience may be used, in words."""
    return f"anywhere in {tenant(target)}"


def tenant(audience: Audience) -> str:
    """The tenant that an audience is of, as its members call it."""
    return wording.tenant_of(platform_of(TenantId(audience.removeprefix("tenant:"))))


def digest(fact: Fact, target: Audience) -> str:
    """What a button to widen a fact is bound to: its value, who may know it now, and who then."""
    return bound(fact.field, fact.value, fact.audience, target)


def details(fact: Fact) -> Button:
    """The way to all that is known of a fact."""
    return Button(action=f"why:{fact.id}", label="Details")
