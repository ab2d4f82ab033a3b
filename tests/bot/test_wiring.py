"""What a process of our own does besides putting the parts together."""

import gc
from pathlib import Path

from bot import settings
from bot.wiring import open_core, settled


async def test_what_a_process_has_loaded_is_not_looked_through_again(tmp_path: Path) -> None:
    """Once all is loaded, the garbage collector leaves alone what was there by then."""
    async with open_core(settings.load(database_url=f"sqlite:///{tmp_path}/rapport.db")) as core:
        before = gc.get_freeze_count()
        try:
            await settled(core)

            assert gc.get_freeze_count() - before > 10_000
        finally:
            gc.unfreeze()
