"""Whatever a model writes, nothing of it is live on a platform but what the room posted (reliability B20)."""

from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.privacy import outputs
from tests.privacy.outputs import CANARY, POSTED, Where

PLATFORMS = pytest.mark.parametrize("where", get_args(Where))
quick = settings(max_examples=100, deadline=None)
anything = st.lists(st.sampled_from(outputs.PIECES) | st.text(max_size=3), max_size=30).map("".join)


@PLATFORMS
@quick
@given(text=anything)
def test_nothing_is_live_that_was_not_posted(where: Where, text: str) -> None:
    """No link, no hidden target, no mention and no text that is too long leaves, in any mixture of marks."""
    assert [fault for part in outputs.sent(text, where) for fault in outputs.faults(part, where)] == []


@PLATFORMS
def test_long_answers_are_no_way_round(where: Where) -> None:
    """What is cut into parts is as harmless as what is not; what was posted is live in many of them."""
    random, live = Random(20), 0  # noqa: S311 - the same again
    for _ in range(40):
        text = "".join(random.choices(outputs.PIECES, k=700))
        for part in outputs.sent(text, where):
            assert outputs.faults(part, where) == []
            live += any(posted in part for posted in POSTED)

    assert live > 40


@PLATFORMS
@pytest.mark.parametrize(
    "text",
    [
        f"https://evil.example/{CANARY}",
        f"see {POSTED[0]}/{CANARY}",
        f"{POSTED[0]}](/{CANARY})",
        f"mailto:bo@evil.example?subject={CANARY}",
        f"www.{CANARY}.example",
        f"discord.gg/{CANARY}",
    ],
)
def test_what_looks_for_faults_finds_them(where: Where, text: str) -> None:
    """Without the gate each of these would be found, so nothing above passes for want of looking."""
    assert outputs.faults(text, where) != []


def test_each_platform_has_faults_of_its_own() -> None:
    """Slack makes links of bare hosts and pings by its own marks, Discord hides targets behind words."""
    assert outputs.faults(f"{CANARY}.evil.dev", "slack") != []
    assert outputs.faults("<!channel>", "slack") != []
    assert outputs.faults(f"[x]({POSTED[0]})", "discord") != []
    assert outputs.faults("x" * 2_001, "discord") != []
