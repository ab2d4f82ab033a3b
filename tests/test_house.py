"""What holds for every file: habits a linter does not know."""

import ast
import inspect
import re
import subprocess
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import bot
import bot.cli
import bot.errors
import persona.errors

ROOT = Path(__file__).parents[1]
TESTS = sorted(path for path in (ROOT / "tests").rglob("test_*.py"))
HOME = re.compile(r"(?<![\w.~$}/-])/(?:root|home|Users|work)/\w")
LOCKS = ("requirements.lock", "requirements-dev.lock")


def kept() -> list[Path]:
    """Every file of the repository, without what is made from it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git made the checkout
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is not a git checkout, so nobody knows which files belong to it")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def errors() -> list[str]:
    """The names of every error class there is."""
    return [
        name
        for module in (bot.errors, persona.errors)
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and name not in {"BotError", "PersonaError"}
    ]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_states_its_requirement(path: Path) -> None:
    """Every test function has a docstring."""
    silent = [
        f"{node.name}, line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_no_file_names_somebodys_machine() -> None:
    """No file holds a path that exists on one machine only."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in kept()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if HOME.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_hold_hashes_and_no_addresses(name: str) -> None:
    """A lock file pins every package with its hashes, and leaves open where it comes from."""
    text = (ROOT / name).read_text()
    requirements = re.findall(r"^([a-z0-9._\[\]-]+)==\S+(?: ;[^\\\n]*)?( \\)?$", text, re.MULTILINE | re.IGNORECASE)

    assert "://" not in text
    assert requirements != []
    assert all(continued for _, continued in requirements)
    assert len(requirements) == len(re.findall(r"^\S", text, re.MULTILINE))


def test_every_runtime_pin_is_the_developers_pin() -> None:
    """What is tested is what is run: the larger lock file holds the smaller one."""
    small, large = (set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS)

    assert small - large == set()


@pytest.mark.parametrize("name", errors())
def test_every_error_is_documented(name: str) -> None:
    """Every class of error stands in the operator's page, and in the drawing of its tree."""
    home = bot.errors if hasattr(bot.errors, name) else persona.errors

    assert f"| `{name}` |" in (ROOT / "docs/troubleshooting.md").read_text()
    assert re.search(rf"── {name}\b", home.__doc__ or "")


def test_the_version_is_the_packages() -> None:
    """What the bot says it is, is what is built."""
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert described["project"]["version"] == bot.VERSION


def test_the_console_script_is_the_module() -> None:
    """`rapport` and `python -m bot` are the same program."""
    (script,) = entry_points(group="console_scripts", name="rapport")

    assert script.load() is bot.cli.main
