"""Rapport on the database of a trial: the real SDK asks the twin of the Messages API, and paper is the platform."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot import settings, wiring
from bot.core import Core
from tests.bot.desk import Paper
from tests.clock import StillClock
from tests.reliability.prop import Trial
from tests.twins.anthropic import AnthropicTwin

KEY = base64.urlsafe_b64encode(bytes(32)).decode()


@asynccontextmanager
async def opened(trial: Trial, claude: AnthropicTwin, clock: StillClock, **values: Any) -> AsyncIterator[Core]:
    """With members who are remembered; `values` are further settings. No sweep runs by itself."""
    given: dict[str, Any] = {
        "database_url": trial.url,
        "anthropic_api_key": "test-key",
        "anthropic_base_url": claude.url,
        "persona_consent": "on",
    }
    if trial.engine == "postgres":
        given["persona_key"] = KEY
    async with wiring.open_core(settings.load(**{**given, **values}), clock=clock) as core:
        core.adapters["slack"] = Paper("slack")
        yield core
