"""Those who judge find what is planted: a hole in a copy, a copy of the wrong moment, a process that grows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reliability import residents
from tests.reliability.copies import Contents
from tests.reliability.properties.backup import judged
from tests.reliability.residents import Held

BEFORE = Held(mebibytes=100.0, descriptors=30, threads=5, tasks=40)


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ({1, 2, 3}, []),
        ({1, 2, 3, 4}, []),
        ({1, 3}, ["it has holes"]),
        ({1}, ["it ends with write 1"]),
        ({1, 2, 3, 4, 5}, ["it ends with write 5"]),
        (set(), ["it ends with write 0"]),
    ],
)
def test_a_copy_is_judged(numbers: set[int], found: list[str]) -> None:
    """A copy made between writes 2 and 4 holds all writes up to one of them."""
    faults = judged("copy", Contents(numbers=frozenset(numbers), faults=()), before=2, after=4)

    assert len(faults) == len(found)
    assert all(words in fault for words, fault in zip(found, faults, strict=True))


def test_what_the_database_says_of_a_copy_counts() -> None:
    """A copy that does not check clean is none."""
    contents = Contents(numbers=frozenset({1, 2}), faults=("row 1 missing from index",))

    assert judged("copy", contents, before=2, after=2) == ["copy: row 1 missing from index"]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, 0),
        ({"descriptors": 35, "threads": 10, "tasks": 45}, 0),
        ({"descriptors": 36}, 1),
        ({"threads": 11}, 1),
        ({"tasks": 46}, 1),
        ({"mebibytes": 108.9}, 0),
        ({"mebibytes": 109.1}, 1),
    ],
)
def test_growth_is_judged(more: dict[str, int], found: int) -> None:
    """Five more of something, and a mebibyte for a thousand messages beyond what chance makes, are no leak."""
    assert len(residents.judged(BEFORE, replace(BEFORE, **more), messages=1_000)) == found


def test_a_large_process_is_judged() -> None:
    """However it came to that, a process keeps below 350 MiB."""
    large = replace(BEFORE, mebibytes=351.0)

    assert residents.judged(large, large, messages=0) == ["351 MiB"]
