"""The command line: quick, quiet, and with a sentence and an exit code for whatever is wrong."""

import asyncio
import base64
import os
import re
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from bot import cli, errors
from bot.store import members
from bot.store.sqlite import SqliteStore
from persona.persona import MemberKey
from tests.clock import NOON

HEAVY = {
    "aiohttp",
    "alembic",
    "anthropic",
    "apscheduler",
    "cryptography",
    "discord",
    "prompt_toolkit",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
}
"""What no command may import that does not need it. Only rich cannot be helped: structlog imports it."""

pytestmark = pytest.mark.usefixtures("_log_as_it_was")


def run(*arguments: str, **environment: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.app, arguments, env=environment, prog_name="rapport")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    code: int | None
    out: str
    err: str


async def process(*arguments: str, options: Sequence[str] = (), typed: str = "", **environment: str) -> Ended:
    """Run `python -m bot` as an operator does, in an environment that is empty but for what is given."""
    measured = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "COV_"))}
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, *options, "-m", "bot", *arguments),
        env=measured | environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await started.communicate(typed.encode())
    return Ended(code=started.returncode, out=out.decode(), err=err.decode())


def imported(ended: Ended) -> set[str]:
    """The packages a process imported that ran with `-X importtime`."""
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.err.splitlines()}


# -- help -------------------------------------------------------------------------------------------------------------


def test_help_names_every_command() -> None:
    """Whoever asks for help sees each command with a sentence."""
    result = run("--help")

    assert result.exit_code == 0
    for command in ("chat", "migrate", "audit", "backup", "restore"):
        assert re.search(rf"^  {command} +[A-Z].*\.$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", ["chat", "migrate", "audit", "backup", "restore"])
def test_every_command_has_help(command: str) -> None:
    """Each command explains itself, without doing anything."""
    result = run(command, "--help")

    assert result.exit_code == 0
    assert list(Path.cwd().iterdir()) == []


def test_help_does_not_need_good_settings() -> None:
    """Whoever has a mistake in the settings can still read the help."""
    assert run("--help", IDLE_AFTER="nonsense").exit_code == 0


@pytest.mark.parametrize("arguments", [("nonsense",), ("--nonsense",), ("migrate", "now")])
def test_an_unknown_command_is_an_error(arguments: tuple[str, ...]) -> None:
    """What cannot be done is said in the way every command line does, and nothing is begun."""
    result = run(*arguments)

    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.slow
async def test_help_imports_no_sdk() -> None:
    """Help comes at once: no SDK, database library or terminal kit is imported for it."""
    ended = await process("--help", options=["-X", "importtime"])

    assert ended.code == 0
    assert "typer" in imported(ended)
    assert imported(ended) & HEAVY == set()


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("chat",), ("migrate",), ("audit",)])
def test_mistakes_in_the_settings(arguments: tuple[str, ...]) -> None:
    """Every command says all mistakes, a line each, and ends with 2, having begun nothing."""
    result = run(*arguments, IDLE_AFTER="soon", LOG_FORMAT="xml")

    first, *lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert first == "rapport: The settings cannot be used:"
    assert [line.partition(":")[0] for line in lines] == ["  IDLE_AFTER", "  LOG_FORMAT"]
    assert list(Path.cwd().iterdir()) == []


def test_a_typo_is_a_warning() -> None:
    """A variable that was probably meant otherwise is named on standard error, and the command goes on."""
    result = run("migrate", IDLE_AFTR="5m")

    assert result.exit_code == 0
    assert result.stderr == "warning: IDLE_AFTR is not a setting; did you mean IDLE_AFTER?\n"
    assert result.stdout == "sqlite:///rapport.db: migrated\n"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("chat",), ("migrate",), ("audit",)])
async def test_no_traceback_for_a_mistake(arguments: tuple[str, ...]) -> None:
    """A process with mistakes in its settings ends with 2 and a line for each, without a traceback or a secret."""
    ended = await process(*arguments, SLACK_BOT_TOKEN="sesame", DATABASE_URL="mysql://me:sesame@host/db")

    named = re.findall(r"^  (\w+): ", ended.err, re.MULTILINE)
    assert (ended.code, ended.out) == (2, "")
    assert named == ["SLACK_BOT_TOKEN", "DATABASE_URL", "SLACK_APP_TOKEN"]
    assert len(ended.err.splitlines()) == 4
    assert "sesame" not in ended.err


@pytest.mark.slow
async def test_no_traceback_for_a_file_of_another_encoding(tmp_path: Path) -> None:
    """A .env file from an old editor is a mistake in the settings, too."""
    write(tmp_path / ".env", b"PERSONA_MODEL=caf\xe9\n")
    ended = await process("migrate")

    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert ".env" in ended.err


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


# -- backup and restore -----------------------------------------------------------------------------------------------


def test_a_backup_says_what_it_is_worth(tmp_path: Path) -> None:
    """Whoever makes a copy hears that it is whole, and that nobody can read it without the keys."""
    run("migrate")
    result = run("backup", "copy.db")

    assert result.exit_code == 0
    assert "copy.db: a copy of sqlite:///rapport.db, whole and checked" in result.stdout
    assert "without them nobody can read what members said" in result.stdout
    assert (tmp_path / "copy.db").is_file()


def test_keys_are_copied_apart(tmp_path: Path) -> None:
    """With --keys they are in a file of their own, and what that means for an older copy of them is said."""
    run("migrate")
    asyncio.run(_decide(tmp_path / "rapport.db"))
    result = run("backup", "copy.db", "--keys", "keys.db")

    assert result.exit_code == 0
    assert "no older copy of them" in result.stdout
    assert (tmp_path / "keys.db").is_file()


def test_a_restore_says_what_it_did(tmp_path: Path) -> None:
    """What is in place now, how many were erased again, and where the replaced file is: a line each."""
    run("migrate")
    asyncio.run(_decide(tmp_path / "rapport.db"))
    run("backup", "copy.db")
    result = run("restore", "copy.db")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "sqlite:///rapport.db: restored from copy.db",
        "members erased since the copy was made, and erased again: 0",
        "rapport.db.replaced: the database as it was before; delete it once all is well",
    ]


@pytest.mark.parametrize("arguments", [("backup", "rapport.db"), ("restore", "nothing.db")])
def test_a_backup_that_fails_says_why(arguments: tuple[str, ...]) -> None:
    """One line and exit code 1, and the database is as it was."""
    run("migrate")
    before = Path("rapport.db").read_bytes()
    result = run(*arguments)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("rapport: ")
    assert Path("rapport.db").read_bytes() == before


# -- audit ------------------------------------------------------------------------------------------------------------


def test_audit_says_that_every_chain_holds(tmp_path: Path) -> None:
    """Each tenant is a line with the number of its rows; a database without any is fine, too."""
    assert (run("audit").output, run("audit").exit_code) == ("", 0)
    asyncio.run(_decide(tmp_path / "rapport.db"))

    assert (run("audit").output, run("audit").exit_code) == ("slack:T1: 2 rows hold\nslack:T2: 1 rows hold\n", 0)


def test_audit_says_where_a_chain_breaks(tmp_path: Path) -> None:
    """A row that somebody took out is named, with exit code 1."""
    run("migrate")
    asyncio.run(_decide(tmp_path / "rapport.db"))
    with closing(sqlite3.connect(tmp_path / "rapport.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM audit WHERE tenant = 'slack:T1' AND number = 1")
    result = run("audit")

    assert result.output == "slack:T1: 0 rows hold, then row 1: a row is missing\nslack:T2: 1 rows hold\n"
    assert result.exit_code == cli.EXIT_FAILURE


async def _decide(path: Path) -> None:
    store = await SqliteStore.open(path)
    for tenant, member in (("slack:T1", "U1"), ("slack:T1", "U2"), ("slack:T2", "U1")):
        key = MemberKey(tenant=tenant, id=member)
        await store.write(partial(members.set_consent, member=key, state="on", now=NOON))
    await store.close()


# -- migrate ----------------------------------------------------------------------------------------------------------


def test_migrate_says_what_it_did() -> None:
    """The first time the database is migrated, the second time it is up to date; both are fine."""
    first, second = run("migrate"), run("migrate")

    assert (first.exit_code, first.output) == (0, "sqlite:///rapport.db: migrated\n")
    assert (second.exit_code, second.output) == (0, "sqlite:///rapport.db: up to date\n")


def test_migrate_takes_the_database_of_the_settings(tmp_path: Path) -> None:
    """The file DATABASE_URL names is migrated, and no other."""
    (tmp_path / "data").mkdir()
    result = run("migrate", DATABASE_URL="sqlite:///data/mine.db")

    assert result.output == "sqlite:///data/mine.db: migrated\n"
    assert [path.name for path in tmp_path.rglob("*.db")] == ["mine.db"]


def test_migrate_says_why_it_cannot(tmp_path: Path) -> None:
    """A database that cannot be migrated is a sentence and exit code 1."""
    (tmp_path / "rapport.db").write_bytes(b"Dear diary. " * 1_000)
    result = run("migrate")

    (line,) = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (1, "")
    assert line.startswith("rapport: 'rapport.db': file is not a database.")
    assert "restore a backup" in line


@pytest.mark.slow
async def test_migrate_as_a_release_step() -> None:
    """As a process of its own `migrate` runs before every release: twice in a row is fine, the second time quickly."""
    first = await process("migrate")
    second = await process("migrate", options=["-X", "importtime"])

    assert (first.code, first.out, first.err) == (0, "sqlite:///rapport.db: migrated\n", "")
    assert (second.code, second.out) == (0, "sqlite:///rapport.db: up to date\n")
    assert imported(second) & HEAVY == set()


# -- what can be wrong with a database --------------------------------------------------------------------------------


def spoil_missing(path: Path) -> None:
    path.unlink()
    path.mkdir()


def spoil_content(path: Path) -> None:
    path.write_bytes(b"Dear diary. " * 1_000)


def spoil_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9876'")


def spoil_rights(path: Path) -> None:
    """Let SQLite take the file for one of a later format: it reads it and writes nothing, whoever asks."""
    content = path.read_bytes()
    path.write_bytes(content[:18] + b"\x03" + content[19:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (spoil_missing, "unable to open database file"),
        (spoil_content, "file is not a database"),
        (spoil_version, "run that version"),
        (spoil_rights, "cannot be written"),
    ],
    ids=["a folder", "not a database", "newer", "read-only"],
)
async def test_a_database_that_cannot_be_used(database: Path, spoil: object, sentence: str) -> None:
    """Talking to Rapport with a database that cannot be used ends with 1 and a sentence that names the file."""
    spoil(database)  # type: ignore[operator]  # one of those above
    ended = await process("chat", typed="hello\n")

    (line,) = ended.err.splitlines()
    assert ended.code == 1
    assert line.startswith("rapport: 'rapport.db'")
    assert sentence in line
    assert "hello" not in ended.out


def test_audit_opens_what_was_sealed_with_a_given_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the PERSONA_KEY that the database was sealed with, its log is read; no key file is asked for."""
    monkeypatch.setenv("PERSONA_KEY", base64.urlsafe_b64encode(bytes(32)).decode())
    first, again = run("audit"), run("audit")

    assert (first.output, first.exit_code, again.output, again.exit_code) == ("", 0, "", 0)
    assert not (tmp_path / "rapport.db.key").exists()


@pytest.mark.slow
async def test_a_database_that_is_sealed_with_another_key(database: Path) -> None:
    """With the wrong PERSONA_KEY nothing is answered: it ends with 1 and a line that names it, and no key."""
    keys = [base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in range(2)]
    first = await process("chat", typed="hello\n", PERSONA_KEY=keys[0])
    ended = await process("chat", typed="hello\n", PERSONA_KEY=keys[1])

    (line,) = ended.err.splitlines()
    assert (first.code, first.err, ended.code) == (0, "", 1)
    assert line.startswith("rapport: PERSONA_KEY is not the key of 'rapport.db-keys'")
    assert "hello" not in ended.out
    assert not any(key in line for key in keys)


@pytest.mark.slow
async def test_a_database_that_is_in_use(store: SqliteStore) -> None:
    """A second Rapport on the same file ends with 1 and says what to do."""
    ended = await process(typed="hello\n")

    (line,) = ended.err.splitlines()
    assert ended.code == 1
    assert "in use by another Rapport" in line


# -- without a command ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("chat",)])
async def test_without_tokens_the_terminal_opens(arguments: tuple[str, ...]) -> None:
    """Nothing set, nothing installed beside: one can talk, by a pipe as well, and the end of input is a clean end."""
    ended = await process(*arguments, typed="hello there\n")

    assert (ended.code, ended.err) == (0, "")
    assert "hello there" in ended.out


# -- errors -----------------------------------------------------------------------------------------------------------


def failing(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (errors.StoreError("broken"), 1, ["rapport: broken"]),
        (errors.SettingsError("wrong"), 2, ["rapport: wrong"]),
        (ExceptionGroup("", [errors.PlatformKeyError("no key")]), 1, ["rapport: no key"]),
        (
            ExceptionGroup("", [errors.StoreError("one"), ExceptionGroup("", [errors.PlatformError("two")])]),
            1,
            ["rapport: one", "rapport: two"],
        ),
        (errors.StoreFullError(), 1, [f"rapport: {errors.StoreFullError.__doc__}"]),
    ],
    ids=["one", "settings", "grouped", "nested", "without words"],
)
def test_an_error_of_ours_is_a_line(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, said: list[str]
) -> None:
    """What an operator can mend is a line on standard error, one for each that failed, and an exit code."""
    with pytest.raises(typer.Exit) as caught:
        cli._or_exit(lambda: failing(error))

    assert caught.value.exit_code == code
    assert capsys.readouterr() == ("", "".join(f"{line}\n" for line in said))


def test_an_error_of_nobodys_keeps_its_traceback() -> None:
    """What nobody foresaw is not hidden behind a sentence, also beside an error of ours."""
    with pytest.raises(ExceptionGroup) as caught:
        cli._or_exit(lambda: failing(ExceptionGroup("", [errors.StoreError("ours"), LookupError("theirs")])))

    assert [type(error) for error in caught.value.exceptions] == [LookupError]
