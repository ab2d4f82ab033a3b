"""Prices: what a call costs at the list prices of November 2026, to the micro-dollar."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot import prices
from bot.models.offline import OfflineModel
from bot.settings import Settings
from persona.ports import Usage

MILLION = 1_000_000
LIST = [
    # model, then USD for a million tokens: new input, output, read from the cache, written for 5 minutes, for an hour
    ("claude-sonnet-5-5", "2", "10", "0.10", "2.50", "4"),
    ("claude-opus-5-5", "4", "20", "0.20", "5", "8"),
    ("claude-fable-5-1", "10", "50", "0.25", "12.50", "20"),
    ("claude-haiku-4-5", "1", "5", "0.10", "1.25", "2"),
    ("offline", "0", "0", "0", "0", "0"),
]
HAIKU = "claude-haiku-5-5"
SHORT = 100_000
SHORT_HAIKU = (HAIKU, "0.10", "0.50", "0.01", "0.125", "0.20")

steady = settings(deadline=None, derandomize=True, database=None, max_examples=300)


def usage(model: str, *, fresh: int = 0, output: int = 0, read: int = 0, five: int = 0, hour: int = 0) -> Usage:
    return Usage(
        model=model,
        input_tokens=fresh + read + five + hour,
        output_tokens=output,
        cached_tokens=read,
        written_tokens=five,
        written_hour_tokens=hour,
    )


@pytest.mark.parametrize("row", LIST, ids=[row[0] for row in LIST])
def test_each_kind_of_token_has_its_price(row: tuple[str, ...]) -> None:
    """A million tokens of each kind cost what the list says, in millionths of a dollar."""
    costs = [prices.cost(usage(row[0], **{kind: MILLION})) for kind in ("fresh", "output", "read", "five", "hour")]

    assert costs == [int(Fraction(price) * MILLION) for price in row[1:]]


@pytest.mark.parametrize(
    ("kind", "tokens", "cost"),
    [
        ("fresh", SHORT, 10_000),
        ("output", MILLION, 500_000),
        ("read", SHORT, 1_000),
        ("five", SHORT, 12_500),
        ("hour", SHORT, 20_000),
    ],
)
def test_the_cheap_model_has_its_price_for_usual_prompts(kind: str, tokens: int, cost: int) -> None:
    """Up to a hundred thousand tokens of prompt the small model costs a twentieth of the middle one."""
    assert prices.cost(usage(HAIKU, **{kind: tokens})) == cost


@pytest.mark.parametrize(("fresh", "cost"), [(SHORT, 10_000 + 5), (SHORT + 1, 50_001 + 25)])
def test_a_long_prompt_costs_five_times_as_much(fresh: int, cost: int) -> None:
    """Beyond a hundred thousand tokens of prompt the whole request has the higher price, output included."""
    assert prices.cost(usage(HAIKU, fresh=fresh, output=10)) == cost


@pytest.mark.parametrize("kind", ["read", "five", "hour"])
def test_a_prompt_is_long_wherever_its_tokens_come_from(kind: str) -> None:
    """What comes out of the cache, or goes into it, counts to the length of a prompt."""
    short, long = (prices.cost(usage(HAIKU, **{kind: tokens})) for tokens in (SHORT, 2 * SHORT))

    assert short is not None
    assert long == 10 * short


@pytest.mark.parametrize("model", [*(row[0] for row in LIST), HAIKU])
def test_a_batch_costs_half(model: str) -> None:
    """Every price is halved in a batch, also those of the cache."""
    used = usage(model, fresh=20_000, output=4_000, read=10_000, five=2_000, hour=6_000)
    alone, batched = prices.cost(used), prices.cost(replace(used, is_batch=True))

    assert alone is not None
    assert batched == alone / 2


@pytest.mark.parametrize("model", [HAIKU, "claude-sonnet-5-5"])
def test_a_dated_name_has_the_price_of_its_model(model: str) -> None:
    """The API may answer with the day of a model's release behind its name."""
    used = usage(model, fresh=1_000, output=100)

    assert prices.cost(replace(used, model=f"{model}-20261007")) == prices.cost(used)


@pytest.mark.parametrize("model", ["", "scripted", "gpt-99", "my-claude-sonnet-5-5", "claude"])
def test_an_unknown_model_has_no_price(model: str) -> None:
    """What we do not know the price of costs an unknown amount, which is not nothing."""
    assert prices.cost(usage(model, fresh=10)) is None


def test_the_models_we_use_have_prices() -> None:
    """Whoever changes no setting sees what everything costs."""
    names = [Settings().anthropic_model, Settings().persona_model, OfflineModel.name]

    assert [prices.cost(usage(name)) for name in names] == [0, 0, 0]


counts = st.tuples(*[st.integers(0, 25_000)] * 5)


@steady
@example(SHORT_HAIKU, (32, 1, 10_010, 0, 1), True)
@given(st.sampled_from([*LIST, SHORT_HAIKU]), counts, st.booleans())
def test_a_cost_is_exact_and_rounded_up(row: tuple[str, ...], counts: tuple[int, ...], is_batch: bool) -> None:  # noqa: FBT001 - hypothesis fills it in
    """The sum is the list's, to the last fraction, and a begun micro-dollar counts whole."""
    fresh, output, read, five, hour = counts
    used = replace(usage(row[0], fresh=fresh, output=output, read=read, five=five, hour=hour), is_batch=is_batch)
    listed = (Fraction(price) * count for price, count in zip(row[1:], counts, strict=True))
    exact = sum(listed, Fraction()) / (1 + is_batch)

    assert prices.cost(used) == -(-exact.numerator // exact.denominator)
