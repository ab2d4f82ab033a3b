"""An event loop whose time runs faster: what a process waits for in its own time takes a part of it in ours."""

import asyncio
import selectors


class HurriedLoop(asyncio.SelectorEventLoop):
    """A loop in which `rate` seconds pass for each of ours: sleeps, timeouts and pauses, not the computer's clock."""

    def __init__(self, *, rate: float) -> None:
        self._rate = rate
        super().__init__(_Hurried(rate))

    def time(self) -> float:
        """Seconds, as the loop counts them."""
        return super().time() * self._rate


class _Hurried(selectors.DefaultSelector):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / self._rate)
