"""What can be typed after `python -m bot`. Everything heavy is imported by the command that needs it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bot import errors, logs, settings

T = TypeVar("T")

app = typer.Typer(
    name="rapport",
    help="An assistant for Slack and Discord that knows each member and keeps up as they change.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

EXIT_SETTINGS = 2
EXIT_FAILURE = 1


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Run every configured platform; open the terminal if none is."""
    if context.invoked_subcommand is not None:
        return
    loaded = _settings()
    if loaded.has_platform:
        _run_platforms(loaded)
    else:
        _chat(loaded)


@app.command()
def chat() -> None:
    """Talk to Rapport in this terminal: no token and no key needed."""
    _chat(_settings())


@app.command()
def migrate() -> None:
    """Bring the database up to this version's tables."""
    loaded = _settings()
    from bot.store import opening  # noqa: PLC0415

    has_changed = _or_exit(lambda: asyncio.run(opening.migrate(loaded.database_url.get_secret_value())))
    typer.echo(f"{loaded.database_name}: {'migrated' if has_changed else 'up to date'}")


@app.command()
def audit() -> None:
    """Check that nobody changed the audit log."""
    loaded = _settings()
    logs.configure(loaded.log_level or "error", loaded.log_format)
    from bot import auditing  # noqa: PLC0415

    verdicts = _or_exit(
        lambda: asyncio.run(auditing.verified(loaded.database_url.get_secret_value(), key=loaded.master_key))
    )
    for tenant, verdict in verdicts.items():
        found = "hold" if verdict.broken_at is None else f"hold, then row {verdict.broken_at}: {verdict.why}"
        typer.echo(f"{tenant}: {verdict.rows} rows {found}")
    if any(verdict.broken_at is not None for verdict in verdicts.values()):
        raise typer.Exit(EXIT_FAILURE)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to write; it must not be there yet.")],
    keys: Annotated[Path | None, typer.Option(help="Copy the keys to this file too, over their last copy.")] = None,
) -> None:
    """Copy the database to a file, also while Rapport runs."""
    loaded = _settings()
    from bot import backups  # noqa: PLC0415

    _or_exit(lambda: asyncio.run(backups.make(loaded, file, keys=keys)))
    typer.echo(f"{file}: a copy of {loaded.database_name}, whole and checked")
    if keys is None:
        typer.echo("The keys are not in it; without them nobody can read what members said. Copy them with --keys.")
    else:
        typer.echo(f"{keys}: the keys. Keep them apart from the copy, and no older copy of them:")
        typer.echo("it could bring back who was erased. The master key is in neither (docs/running.md).")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="What `backup` wrote.")]) -> None:
    """Put a copy in the place of the database, while Rapport does not run."""
    loaded = _settings()
    logs.configure(loaded.log_level or "error", loaded.log_format)
    from bot import backups  # noqa: PLC0415

    restored = _or_exit(lambda: asyncio.run(backups.restore(loaded, file)))
    typer.echo(f"{loaded.database_name}: restored from {file}")
    typer.echo(f"members erased since the copy was made, and erased again: {restored.erased}")
    if restored.replaced is not None:
        typer.echo(f"{restored.replaced}: the database as it was before; delete it once all is well")


def main() -> None:
    """The console script `rapport`, and `python -m bot`."""
    app()


def _settings() -> settings.Settings:
    loaded = _or_exit(settings.load)
    for typo in settings.typos():
        typer.echo(f"warning: {typo}", err=True)
    return loaded


def _run_platforms(loaded: settings.Settings) -> None:
    logs.configure(loaded.log_level or "info", loaded.log_format)
    from bot import wiring  # noqa: PLC0415

    _or_exit(lambda: asyncio.run(wiring.run(loaded)))


def _chat(loaded: settings.Settings) -> None:
    logs.configure(loaded.log_level or "error", loaded.log_format)
    from bot import wiring  # noqa: PLC0415

    _or_exit(lambda: asyncio.run(wiring.chat(loaded)))


def _or_exit(work: Callable[[], T]) -> T:
    """The result of `work`; what an operator can mend is said in a line each, without a traceback."""
    mistakes: list[errors.BotError] = []
    try:
        return work()
    except* errors.BotError as group:
        mistakes = _leaves(group)
    for mistake in mistakes:
        typer.echo(f"rapport: {mistake}", err=True)
    raise typer.Exit(EXIT_SETTINGS if isinstance(mistakes[0], errors.SettingsError) else EXIT_FAILURE)


def _leaves(group: BaseExceptionGroup[errors.BotError]) -> list[errors.BotError]:
    found: list[errors.BotError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
