"""What we offer in a command tree: `/persona`, built from what the verbs say of themselves, and a message's menu."""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import discord
import structlog
from discord import app_commands

from adapters.discord import menus, options, wording
from adapters.discord.interactions import Interactions, is_admin
from adapters.discord.options import Option
from adapters.discord.registration import Offered, Tree
from bot.commands import administration
from bot.commands.command import Command
from bot.commands.registry import COMMANDS
from bot.core import Core

MAX_DESCRIPTION_CHARS = 100
MAX_SUGGESTIONS = 25

_CHAT_INPUT = discord.AppCommandType.chat_input

_log = structlog.get_logger(__name__)

Slash = app_commands.Command[Any, ..., None]
Run = Callable[[discord.Interaction, str], Coroutine[Any, Any, None]]
"""Runs the words of a verb and shows what comes of it."""

Suggest = Callable[[discord.Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]


class Group(app_commands.Group):
    """A group that brings its translations along.

    discord.py asks the tree's translator for them: a host may have none, or one that knows the host's words alone.
    """

    def to_dict(self, tree: Tree) -> dict[str, Any]:
        """What is registered."""
        return wording.localised(super().to_dict(tree))

    async def get_translated_payload(self, tree: Tree, translator: app_commands.Translator) -> dict[str, Any]:
        """The same, whoever translates the host's commands."""
        return self.to_dict(tree)


def offered(interactions: Interactions, core: Core) -> list[Offered]:
    """Our commands, for a command tree."""
    return [_group(interactions, core), _admins(interactions, core), *menus.menus(interactions, core)]


@contextmanager
def added(tree: Tree, commands: Iterable[Offered]) -> Iterator[None]:
    """Have these in a tree beside what it holds already, until the context is left.

    A tree holds few menu entries: those for which a host left no room are missing, and the log says so.
    """
    with ExitStack() as removing:
        for command in commands:
            try:
                tree.add_command(command)
            except app_commands.CommandLimitReached as error:
                _log.warning("command.no_room", name=command.name, limit=error.limit)
                continue
            kind = command.type if isinstance(command, app_commands.ContextMenu) else _CHAT_INPUT
            removing.callback(tree.remove_command, command.name, type=kind)
        yield


def _group(interactions: Interactions, core: Core) -> Group:
    async def run(interaction: discord.Interaction, words: str) -> None:
        await interactions.answer(interaction, partial(core.commands.run, words))

    made = Group(name="persona", description="What Rapport remembers about you", auto_locale_strings=False)
    for command in COMMANDS.values():
        made.add_command(_slash(command, run, core))
    return made


def _admins(interactions: Interactions, core: Core) -> Group:
    """Shown to those who manage the server, unless it decides otherwise; who may use it is looked at each time."""

    async def run(interaction: discord.Interaction, words: str) -> None:
        work = partial(core.commands.administer, words, is_admin=is_admin(interaction))
        await interactions.answer(interaction, work)

    made = Group(
        name="persona-admin",
        description="What Rapport does on this server, for those who manage it",
        auto_locale_strings=False,
        default_permissions=discord.Permissions(manage_guild=True),
        guild_only=True,
        allowed_installs=app_commands.AppInstallationType(guild=True),
    )
    for command in administration.COMMANDS.values():
        made.add_command(_slash(command, run, core))
    return made


def _slash(command: Command, run_words: Run, core: Core) -> Slash:
    taken = options.read(command)

    async def run(interaction: discord.Interaction, **given: str | None) -> None:
        await run_words(interaction, f"{command.name} {options.words(taken, given)}")

    # discord.py reads the options from the signature.
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            *(_parameter(option) for option in taken),
        ]
    )
    described = {option.name: _about(option, command, is_only=len(taken) == 1) for option in taken}
    choices = {
        option.name: [app_commands.Choice(name=choice, value=choice) for choice in option.choices]
        for option in taken
        if option.choices
    }
    suggested = {option.name: _fields(option, core) for option in taken if option.name == options.FIELD}
    decorated = app_commands.describe(**described)(app_commands.choices(**choices)(run))
    return app_commands.Command(
        name=command.name,
        description=command.summary[:MAX_DESCRIPTION_CHARS],
        callback=app_commands.autocomplete(**suggested)(decorated),
        auto_locale_strings=False,
    )


def _parameter(option: Option) -> inspect.Parameter:
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=str if option.is_required else str | None,
        default=inspect.Parameter.empty if option.is_required else None,
    )


def _about(option: Option, command: Command, *, is_only: bool) -> str:
    about = (command.words if is_only else "") or wording.option(option.name)
    return about[:MAX_DESCRIPTION_CHARS]


def _fields(option: Option, core: Core) -> Suggest:
    async def suggest(_interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        others = _matching(option.others, typed)
        fields = _matching(core.commands.fields, typed)[: MAX_SUGGESTIONS - len(others)]
        return [app_commands.Choice(name=name, value=name) for name in (*fields, *others)]

    return suggest


def _matching(names: Sequence[str], typed: str) -> list[str]:
    """The names that hold what was typed so far, those that begin with it first."""
    wanted = " ".join(typed.replace("_", " ").casefold().split())
    found = [name for name in names if wanted in name.casefold()]
    return sorted(found, key=lambda name: not name.casefold().startswith(wanted))
