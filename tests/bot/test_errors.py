"""Our errors: one tree, drawn at its top, and an honest sentence for whoever meets one."""

import inspect
import re

import pytest

from bot import errors
from tests.clock import NOON

EVERY = [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, BaseException)]
"""Every error the module defines or lets in."""

every_error = pytest.mark.parametrize("error", EVERY)


def drawn() -> dict[str, str | None]:
    """Each class of the tree in the module's docstring, from the top down, with the one it hangs on."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in str(errors.__doc__).splitlines():
        branch = re.fullmatch(r"(?P<indent>(?:│   |    )*)(?:[├└]── )(?P<name>\w+)  +\S.*|(?P<top>\w+Error)", line)
        if branch is None:
            continue
        depth = 0 if branch["top"] else len(branch["indent"]) // 4 + 1
        del path[depth:]
        name = branch["top"] or branch["name"]
        parents[name] = path[-1] if path else None
        path.append(name)
    return parents


def made(error: type[errors.BotError], *words: str) -> errors.BotError:
    """One that was raised with these words."""
    return error(*words, until=NOON) if issubclass(error, errors.BudgetSpentError) else error(*words)


def test_the_drawing_shows_exactly_the_tree() -> None:
    """The tree in the docstring has every class of the module, under its own base, and no other."""
    tree = {error.__name__: error.__bases__[0].__name__ for error in EVERY}

    assert drawn() == tree | {"BotError": None}


def test_the_drawing_follows_the_code() -> None:
    """Classes are drawn in the order in which they are defined, so that a reader finds them."""
    defined = re.findall(r"^class (\w+)", inspect.getsource(errors), re.MULTILINE)

    assert list(drawn()) == defined


@every_error
def test_there_is_one_tree(error: type[Exception]) -> None:
    """Every error of ours is a `BotError`, by one base, and no error of anybody else is let in."""
    assert issubclass(error, errors.BotError)
    assert len(error.__bases__) == 1
    assert error.__module__ == "bot.errors"
    assert error.__name__.endswith("Error")


@every_error
def test_every_error_says_what_it_means(error: type[errors.BotError]) -> None:
    """Each error has a docstring of its own: one sentence, since it is the message where none is given."""
    said = error.__dict__.get("__doc__") or ""

    assert re.fullmatch(r"[A-Z][^\n]*\.", said)


def test_no_two_errors_say_the_same() -> None:
    """An operator can tell two errors apart by their messages."""
    assert len({error.__doc__ for error in EVERY}) == len(EVERY)


@every_error
def test_the_docstring_is_the_default_message(error: type[errors.BotError]) -> None:
    """An error raised without words speaks its docstring; one with words speaks those alone."""
    assert str(made(error)) == error.__doc__
    assert str(made(error, "the disk sings")) == "the disk sings"


@every_error
def test_a_member_hears_a_next_step(error: type[errors.BotError]) -> None:
    """The sentence for members says what they can do now: ask again, tell somebody, or say it differently."""
    assert re.search(r"Please (?:ask again|tell whoever runs me)|Asking in other words may help", error.for_member)


@every_error
def test_a_member_hears_no_machinery(error: type[errors.BotError]) -> None:
    """The sentence for members is plain: one line, no class, setting, status or vendor."""
    sentence = error.for_member

    assert re.fullmatch(r"[A-Z][^\n]{20,160}\.", sentence)
    assert not re.search(r"Error|[A-Z]{3,}|_|\d|Anthropic|Claude|SQL|traceback|exception", sentence)


@pytest.mark.parametrize(
    ("error", "is_for_now"),
    [
        (errors.ModelBusyError, True),
        (errors.ModelUnreachableError, True),
        (errors.ModelCutError, True),
        (errors.ModelKeyError, False),
        (errors.ModelLimitError, False),
        (errors.ModelRequestError, False),
    ],
)
def test_only_what_passes_is_worth_asking_again(error: type[errors.BotError], *, is_for_now: bool) -> None:
    """A member is told to ask again where that can help, and to tell the operator where only that can."""
    assert ("ask again" in error.for_member) is is_for_now
    assert ("whoever runs me" in error.for_member) is not is_for_now


@pytest.mark.parametrize("error", [found for found in EVERY if found.__subclasses__()])
def test_a_branch_can_be_caught_as_one(error: type[errors.BotError]) -> None:
    """Who catches a branch of the tree catches everything on it."""
    for leaf in error.__subclasses__():
        with pytest.raises(error):
            raise made(leaf)
