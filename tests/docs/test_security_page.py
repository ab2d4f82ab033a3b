"""SECURITY.md and the table of edge cases claim nothing without a test that shows it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
EDGES = (ROOT / "docs/decisions/0015-edge-cases.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE + EDGES)
CONTROLS = re.findall(r"^\| (S\d+) \| .+$", PAGE, re.MULTILINE)


@cache
def written_in(path: str) -> set[str]:
    """The test functions of a file."""
    tree = ast.parse((ROOT / path).read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_")}


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_every_test_that_is_named_exists(path: str, name: str) -> None:
    """What is said to be shown by a test is shown by one."""
    assert name in written_in(path)


def test_every_control_is_there_and_has_a_test() -> None:
    """The twelve controls stand in the table, each with at least one test."""
    rows = re.findall(r"^\| S\d+ \| .+$", PAGE, re.MULTILINE)

    assert [f"S{number}" for number in range(1, 13)] == CONTROLS
    assert [row[:6] for row in rows if "`tests/" not in row] == []


def test_no_test_is_named_in_another_form() -> None:
    """Every name of a test is one that is looked up."""
    assert len(re.findall(r"tests/[\w/]+\.py", PAGE + EDGES)) == len(NAMED)


def test_every_edge_case_is_a_test_a_decision_or_open() -> None:
    """No row of the table is left without an answer."""
    rows = re.findall(r"^\| (?!case|---)[^|]+ \| [^|]+ \| (.+) \|$", EDGES, re.MULTILINE)

    assert len(rows) == 19
    assert [shown for shown in rows if not re.search(r"`tests/|\*Open|^decided", shown)] == []
