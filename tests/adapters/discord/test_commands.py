"""The verbs as slash commands: their options, what is suggested, and what they are called in other languages."""

from __future__ import annotations

import re
from typing import Any

import discord
import pytest
from discord import app_commands

from adapters.discord import commands, options, registration, wording
from adapters.discord.listeners import DiscordListeners
from adapters.discord.options import Option
from bot.commands import registry
from bot.commands.command import Command
from bot.commands.show import COMMAND as SHOW
from bot.core import Core
from tests.adapters.discord.clients import Client, running
from tests.adapters.discord.desk import Desk, desk
from tests.adapters.discord.hosts import Tree, core, hosted
from tests.twins.discord import DiscordTwin

__all__ = ["core", "desk"]

LANGUAGES = ["de", "fr", "es-ES", "es-419", "ja"]


def verb(usage: str, *, words: str = "") -> Command:
    return Command(name="note", usage=f"note {usage}".strip(), summary="x", words=words, run=SHOW.run)


# -- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ("", ()),
        ("[field]", (Option(name="field", is_required=False),)),
        ("<field|all>", (Option(name="field", is_required=True, others=("all",)),)),
        ("<field|id|all>", (Option(name="field", is_required=True, others=("all",)),)),
        ("<field|words|id>", (Option(name="field", is_required=True),)),
        ("[code]", (Option(name="code", is_required=False),)),
        ("[page N]", (Option(name="page", is_required=False, lead="page"),)),
        ("[on|off]", (Option(name="choice", is_required=False, choices=("on", "off")),)),
        ("<field> <value>", (Option(name="field", is_required=True), Option(name="value", is_required=True))),
        ("<fact> <value>", (Option(name="fact", is_required=True), Option(name="value", is_required=True))),
        ("<id|field> <value>", (Option(name="id", is_required=True), Option(name="value", is_required=True))),
        ("[field] [page]", (Option(name="field", is_required=False), Option(name="page", is_required=False))),
    ],
)
def test_options_are_read_from_the_usage(usage: str, expected: tuple[Option, ...]) -> None:
    """What a verb takes stands in its usage: what is required, what is one of a few words, what may be said besides."""
    assert options.read(verb(usage)) == expected


@pytest.mark.parametrize(
    ("usage", "given", "words"),
    [
        ("", {}, ""),
        ("[field]", {"field": None}, ""),
        ("[field]", {"field": "answer length"}, "answer length"),
        ("<field> <value>", {"field": "answer length", "value": "very short"}, "answer_length very short"),
        ("<fact> <value>", {"fact": "3", "value": "Porto, Portugal"}, "3 Porto, Portugal"),
        ("[field] [page]", {"field": None, "page": "2"}, "2"),
        ("[field] [page N]", {"field": "answer length", "page": "2"}, "answer_length page 2"),
        ("[field] [page N]", {"field": "answer length", "page": None}, "answer_length"),
        ("[field] [page]", {"field": "tools", "page": None}, "tools"),
    ],
)
def test_what_was_given_is_what_would_be_typed(usage: str, given: dict[str, str | None], words: str) -> None:
    """A slash command says the same as its words typed elsewhere; a field's name stays apart from what follows."""
    assert options.words(options.read(verb(usage)), given) == words


async def test_every_verb_is_offered(twin: DiscordTwin, core: Core) -> None:
    """Every verb there is can be used as a slash command, with what it takes as named options."""
    async with hosted(core):
        (group,) = [command for command in twin.commands.of(None) if command["name"] == "persona"]
    offered = {option["name"]: [one["name"] for one in option["options"]] for option in group["options"]}

    assert offered.keys() == registry.COMMANDS.keys()
    assert offered["show"][0] == "field"
    assert offered["observe"] == ["choice"]
    assert offered["help"] == []


async def test_named_options_become_words(twin: DiscordTwin, core: Core, desk: Desk) -> None:
    """What a member fills into the options of a verb arrives as its words."""
    async with hosted(core):
        given = {"field": "answer length", "words": "short  ones"}
        shown = await twin.command("Ana", "team", "persona note", options=given)
        await twin.wait_for(lambda: shown.embeds)

    assert [asked.words for asked in desk.asked] == ["answer_length short ones"]


async def test_a_required_option_is_asked_for(twin: DiscordTwin, core: Core, desk: Desk) -> None:
    """Discord does not let a member send a verb without what it needs, and describes what that is."""
    async with hosted(core):
        with pytest.raises(AssertionError, match="asks for"):
            await twin.command("Ana", "team", "persona note", options={"words": "tea"})
        group = twin.commands.of(None)[0]
    (note,) = [option for option in group["options"] if option["name"] == "note"]
    (forget,) = [option for option in group["options"] if option["name"] == "forget"]

    assert note["options"][0]["description"] == "a field, such as tools"
    assert forget["options"][0]["description"] == registry.COMMANDS["forget"].words


# -- suggestions ------------------------------------------------------------------------------------------------------


async def suggested(twin: DiscordTwin, verb: str, typed: str) -> list[str]:
    found = await twin.autocompletes("Ana", "team", f"persona {verb}", "field", typed)
    assert all(choice["name"] == choice["value"] for choice in found)
    return [choice["value"] for choice in found]


async def test_fields_are_suggested(twin: DiscordTwin, core: Core, desk: Desk) -> None:
    """While a member types a field, those that hold the letters are offered, those that begin with them first."""
    async with hosted(core):
        everything = await suggested(twin, "note", "")
        assert everything == list(core.commands.fields)[:25]
        assert await suggested(twin, "note", "TOO") == ["tools"]
        assert await suggested(twin, "note", "answer_l") == ["answer length"]
        assert await suggested(twin, "note", "elephant") == []
        found = await suggested(twin, "note", "l")
        begins = [name.startswith("l") for name in found]

    assert begins == sorted(begins, reverse=True)
    assert {True, False} == set(begins)


async def test_the_words_beside_a_field_are_suggested(twin: DiscordTwin, core: Core) -> None:
    """A verb that takes a field or a word offers the word too, however many fields there are."""
    async with hosted(core):
        assert (await suggested(twin, "forget", ""))[-1] == "all"
        assert (await suggested(twin, "forget", "al"))[-1] == "all"
        assert "all" not in await suggested(twin, "forget", "tools")
        assert len(await suggested(twin, "forget", "")) <= 25


# -- other languages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", registry.COMMANDS)
@pytest.mark.parametrize("language", ["de", "fr", "es", "ja"])
def test_every_verb_is_translated(name: str, language: str) -> None:
    """Every verb has a name and a description in every language of ours, and so has what it takes."""
    entries = [wording._TABLES["verbs"].get(name, {})]
    entries += [wording._TABLES["options"].get(option.name, {}) for option in options.read(registry.COMMANDS[name])]

    assert [entry.get(language, {}).keys() for entry in entries] == [{"name", "text"}] * len(entries)


async def test_translations_are_registered(twin: DiscordTwin, core: Core) -> None:
    """Discord takes all translations, and shows a German member German names."""
    async with hosted(core):
        (group,) = [command for command in twin.commands.of(None) if command["name"] == "persona"]
    (show,) = [option for option in group["options"] if option["name"] == "show"]

    assert list(group["description_localizations"]) == LANGUAGES
    assert all(list(option["name_localizations"]) == LANGUAGES for option in group["options"])
    assert (show["name_localizations"]["de"], show["options"][0]["name_localizations"]["de"]) == ("zeigen", "feld")
    assert "über dich" in show["description_localizations"]["de"]


async def test_a_host_with_a_translator_keeps_it(twin: DiscordTwin, core: Core) -> None:
    """A host's own translator translates the host's commands and is not asked for ours, which it does not know."""
    asked: list[str] = []

    class Translator(app_commands.Translator):
        async def translate(self, string: app_commands.locale_str, locale: discord.Locale, context: Any) -> str:
            asked.append(string.message)
            return {"hello": "hallo", "Say hello.": "Sag hallo."}[string.message]

    @app_commands.command()
    async def hello(interaction: discord.Interaction) -> None:
        """Say hello."""

    async with hosted(core) as tree:
        tree.add_command(hello)
        await tree.set_translator(Translator())
        await tree.sync()
    registered = {command["name"]: command for command in twin.commands.of(None)}

    assert set(asked) == {"hello", "Say hello."}
    assert registered["hello"]["name_localizations"]["de"] == "hallo"
    assert registered["persona"]["options"][0]["name_localizations"]["de"] == "zeigen"


async def test_changed_translations_are_registered_anew(
    twin: DiscordTwin, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start after a translation was changed registers it; one after nothing was does not."""

    async def start() -> int:
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(twin.server.token)
            offered = commands.offered(DiscordListeners(client, core).interactions, core)
            tree = app_commands.CommandTree(client)
            await registration.register(tree, offered, store=core.store, guild_id=None)
        return len(twin.commands.puts)

    assert [await start(), await start()] == [1, 1]
    monkeypatch.setitem(wording._TABLES["verbs"]["show"]["de"], "name", "vorzeigen")

    assert await start() == 2


def test_every_text_fits() -> None:
    """Names are one word in small letters, texts have at most a hundred characters: in every language."""
    entries = [
        (kind, entry)
        for kind in ("groups", "verbs", "options")
        for languages in wording._TABLES[kind].values()
        for entry in languages.values()
    ]

    assert [entry for _, entry in entries if len(entry["text"]) > 100] == []
    assert [entry for _, entry in entries if not re.fullmatch(r"[-_'\w]{1,32}", entry.get("name", "x"))] == []
    assert [entry for _, entry in entries if entry.get("name", "x") != entry.get("name", "x").lower()] == []


# -- in a host's tree -------------------------------------------------------------------------------------------------


async def test_a_hosts_commands_stay(twin: DiscordTwin, core: Core) -> None:
    """Our commands stand beside the host's while we are there, and are gone with us; the host's are as they were."""

    @app_commands.command()
    async def hello(interaction: discord.Interaction) -> None:
        """Say hello."""

    client = Client()
    tree = Tree(client)
    tree.add_command(hello)
    async with running(client):
        with commands.added(tree, commands.offered(DiscordListeners(client, core).interactions, core)):
            assert {command.name for command in tree.get_commands()} >= {"hello", "persona"}

        assert tree.get_commands() == [hello]
