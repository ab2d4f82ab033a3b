"""The computer's own clock."""

from datetime import UTC, datetime, timedelta

from bot.clock import SystemClock


def test_now_is_aware_and_utc() -> None:
    """The time is a moment in UTC, and between what the operating system says before and after."""
    before = datetime.now(UTC)  # noqa: TID251 - what it is compared with
    now = SystemClock().now()
    after = datetime.now(UTC)  # noqa: TID251 - likewise

    assert now.utcoffset() == timedelta(0)
    assert before <= now <= after


async def test_sleep_comes_back() -> None:
    """Waiting for no time returns."""
    await SystemClock().sleep(0)
