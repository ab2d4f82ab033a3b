"""Why a value that was entered by hand is not kept, in a sentence with a way out."""

from bot.views import Button, View
from persona.refusals import Reason
from persona.schema import Field

_SENSITIVE = (
    "I keep nothing about health, belief, politics, union, origin, sex life, biometrics, money troubles, credentials,"
    " minors or crime, not even when asked to."
)

SPECIAL = View(
    text="I kept nothing. I keep that only from what you say in our direct message on Slack, while you agree to it;"
    " `/persona consent` there says how it is."
)
"""For fields of special categories: whatever is entered, another try does not help."""

_REPEATED_CHARS = 500


def view(reason: Reason, field: Field, *, text: str, form: str) -> View:
    """What is wrong with what was entered, what would do, and a way to try again.

    What was typed is repeated, since a form closes over it; what should not stand anywhere is not.
    """
    if field.special:
        return SPECIAL
    wrote = "" if reason in {"empty", "sensitive", "instruction"} else f" You wrote: “{text[:_REPEATED_CHARS]}”."
    return View(
        text=f"{_sentence(reason, field)}{wrote}",
        buttons=(Button(action=f"form:{form}", label="Try again", is_primary=True),),
    )


def _sentence(reason: Reason, field: Field) -> str:
    """What is wrong with a value for this field, and what would do."""
    choices = ", ".join(field.choices)
    sentences: dict[Reason, str] = {
        "empty": f"A {field.label} needs at least a letter or a digit.",
        "too long": f"That is too long for {field.label}: at most {field.max_chars} characters.",
        "not a choice": f"That is none of the values {field.label} may have: {choices}.",
        "not a date": "That is no date I know: write it as 2026-11-22, 2026-11, 2026 or, for every year, --11-22.",
        "not a number": f"That is no number{f' of {field.unit}' if field.unit else ''}: write digits alone.",
        "link": "I keep no links and addresses.",
        "sensitive": _SENSITIVE,
        "instruction": "That reads like an order to me, and I keep facts alone. Say it to me when it matters.",
    }
    return f"I kept nothing. {sentences[reason]}"


def full(field: Field) -> str:
    """What is said where a list has no room."""
    return (
        f"I kept nothing: {field.label} holds {field.max_items} values at most, and has them."
        f" Correct or forget one first; `/persona show {field.label}` lists them."
    )


def too_many(most: int) -> str:
    """What is said to whoever changes more than anybody would."""
    return f"I kept nothing: {most} changes by hand are the most for one day. Tomorrow I take more."
