"""`/persona link` and `unlink`: let how you like answers count on your account elsewhere as well, and end that.

A code is shown to one account and typed by the other, which proves that both are held by whoever does it. The two
stay two members: nothing is merged, and only style crosses (`bot.linking`).
"""

import hashlib
import secrets
from functools import partial

from bot.commands.command import Asked, Command, Context, holding
from bot.commands.wording import switched_off
from bot.messages import TenantId, platform_of
from bot.store import links
from bot.views import View
from persona.persona import MemberKey
from persona.ports import Transaction

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what is easily taken for something else."""
CODE_CHARS = 12
"""Sixty bits: nobody guesses one in ten minutes, whatever they may try."""
MAX_GUESSES = 5
"""Wrong codes of one member in an hour."""

WRONG = View(
    text="That code is not known, was used already, or is older than ten minutes. `/persona link` on your other account"
    " shows a new one."
)
TOO_MANY = View(text="Those were too many wrong codes. Please try again in an hour.")
OWN = View(text="That is the code of this very account. Type it on your other one, within ten minutes.")
NOTHING_LINKED = View(text="No other account is linked with this one. `/persona link` shows how to.")
UNLINKED = View(text="The link is ended, on both accounts. Each keeps what it knows, and nothing crosses any more.")


async def run(context: Context, asked: Asked) -> View:
    """Show a code to type elsewhere, or take one that was shown elsewhere."""
    held = await context.store.read(partial(holding, context=context, asked=asked))
    if held.closed_by:
        return View(text=f"{switched_off(held)}, so there is nothing to link.")
    if asked.words:
        return await context.store.write(partial(_take, context=context, asked=asked))
    return await context.store.write(partial(_show, context=context, asked=asked))


async def run_unlink(context: Context, asked: Asked) -> View:
    """End the link, from whichever side."""
    unlink = partial(links.unlink, member=asked.member.key, now=context.clock.now())
    was_linked = await context.store.write(unlink)
    return UNLINKED if was_linked else NOTHING_LINKED


async def _show(transaction: Transaction, *, context: Context, asked: Asked) -> View:
    member, now = asked.member.key, context.clock.now()
    link = await links.link_of(transaction, member)
    if link is not None:
        return _linked(link.other)
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARS))
    await links.put_code(transaction, member, digest=_digest(code), now=now)
    return View(
        text=f"Type `/persona link {_readable(code)}` on your other account, such as the one on Discord or Slack,"
        " within ten minutes. From then on how you like answers (language, length, tone, format) counts on both, where"
        " you have not said it there; nothing else crosses. Show the code to nobody: whoever types it is linked with"
        " you.",
    )


async def _take(transaction: Transaction, *, context: Context, asked: Asked) -> View:
    """Link the two if the code is right; at most `MAX_GUESSES` wrong ones are looked at in an hour."""
    member, now = asked.member.key, context.clock.now()
    link = await links.link_of(transaction, member)
    if link is not None:
        return _linked(link.other)
    if await links.guesses(transaction, member, now=now) >= MAX_GUESSES:
        return TOO_MANY
    owner = await links.owner(transaction, digest=_digest(asked.words), now=now)
    if owner is None:
        await links.guessed(transaction, member, now=now)
        return WRONG
    if owner == member:
        return OWN
    await links.join(transaction, member, owner, now=now)
    return _linked(owner)


def _linked(other: MemberKey) -> View:
    platform = platform_of(TenantId(other.tenant)).capitalize()
    return View(
        text=f"This account is linked with yours on {platform}: how you like answers there counts here, where you have"
        " not said it here, and the other way round. Nothing else crosses. `/persona unlink`, on either, ends it."
    )


def _readable(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def _digest(typed: str) -> str:
    """What is kept of a code: case, spaces and dashes do not matter."""
    code = "".join(char for char in typed.upper() if char.isalnum())
    return hashlib.sha256(code.encode()).hexdigest()


LINK = Command(
    name="link",
    usage="link [code]",
    summary="let how you like answers count on your account on the other platform, too",
    words="the code that your other account was shown",
    run=run,
)
UNLINK = Command(name="unlink", usage="unlink", summary="end that", run=run_unlink)
