"""An operator hears once that a database fails, and once that it works again."""

from functools import partial

import pytest
from structlog.testing import capture_logs

from bot import errors
from bot.store import notes
from bot.store.engine import Store
from bot.store.trouble import CALM, Trouble
from persona.ports import Transaction

FULL = errors.StoreFullError()


def told(*outcomes: BaseException | None) -> list[tuple[str, str]]:
    """What is logged while units end like this."""
    trouble = Trouble(doing="writing")
    with capture_logs() as logged:
        for outcome in outcomes:
            trouble.met(outcome)
    return [(entry["log_level"], entry["event"]) for entry in logged]


def test_trouble_is_told_of_once() -> None:
    """However many units fail, there is one line of an error; and one that it is over, after enough of them passed."""
    assert told(FULL, *[FULL] * 100) == [("error", "store.failing")]
    assert told(FULL, FULL, *[None] * CALM) == [("error", "store.failing"), ("warning", "store.works_again")]


def test_what_passes_in_between_ends_nothing() -> None:
    """A small unit that finds room on a full disk does not make the next one that fails a new trouble."""
    assert told(FULL, *[None] * (CALM - 1), FULL, *[None] * (CALM - 1)) == [("error", "store.failing")]


def test_what_asks_for_nothing_ends_nothing() -> None:
    """Sweeps that find nothing to do pass on a full disk as well: they do not say that it has room again."""
    trouble = Trouble(doing="writing")
    with capture_logs() as logged:
        trouble.met(FULL)
        for _ in range(10 * CALM):
            trouble.met(None, is_proof=False)
        trouble.met(FULL)

    assert len(logged) == 1


def test_the_next_trouble_is_told_of_again() -> None:
    """Once it was over, it is news that it fails again."""
    assert [event for _, event in told(FULL, *[None] * CALM, FULL)].count("store.failing") == 2


def test_what_units_raise_themselves_is_no_trouble() -> None:
    """A mistake in a unit of work says nothing of the database, and neither does one that passes."""
    assert told(None, ValueError(), None) == []


@pytest.mark.parametrize("is_write", [True, False])
async def test_a_store_tells_of_its_trouble(store: Store, is_write: bool) -> None:  # noqa: FBT001 - a parameter
    """On every engine whoever fails at the database hears so, and the operator hears of the first alone."""

    async def failing(transaction: Transaction) -> None:
        await transaction.fetch("SELECT * FROM no_such_table")

    use = store.write if is_write else store.read
    with capture_logs() as logged:
        for _ in range(3):
            with pytest.raises(errors.StoreError):
                await use(failing)
        for number in range(CALM):
            keep = partial(notes.write, tenant="t", name=f"{number}", value="kept")
            await (store.write(keep) if is_write else store.read(partial(notes.read, tenant="t", name="n")))

    doing = "writing" if is_write else "reading"
    assert [(entry["event"], entry["doing"]) for entry in logged] == [
        ("store.failing", doing),
        ("store.works_again", doing),
    ]
