"""Moments as the store keeps them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.moments import from_micros, to_micros
from tests.clock import NOON
from tests.persona.builders import (
    at,
    steady,
)


@steady
@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_moment_survives_the_store(moment: datetime) -> None:
    """A moment is the same after it was kept."""
    assert from_micros(to_micros(moment)) == moment


def test_moment_without_a_zone_is_refused() -> None:
    """A moment that does not say its zone is a mistake of the caller."""
    with pytest.raises(TypeError):
        to_micros(datetime(2026, 11, 22, 12, 0))  # noqa: DTZ001 - the mistake itself


def test_order_of_moments_is_kept() -> None:
    """Later moments are kept as larger numbers, before 1970 too."""
    moments = [datetime(1900, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), NOON, at(0.001)]

    assert [to_micros(moment) for moment in moments] == sorted(to_micros(moment) for moment in moments)
    assert to_micros(moments[1]) == 0
