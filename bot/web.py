"""The web server: one port for whatever is asked of us over HTTP. Routes may come and go while it serves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import structlog

from bot import errors

if TYPE_CHECKING:  # loaded where it is served: the terminal does without
    from aiohttp import web

GRACE_S = 5.0
"""How long a stop waits for requests that are being answered."""

Handler = Callable[["web.BaseRequest"], Awaitable["web.StreamResponse"]]

_log = structlog.get_logger(__name__)


class Web:
    """Hands each request to whoever offers its method and path; nobody else is asked, and nothing is guessed."""

    def __init__(self) -> None:
        self._handlers: dict[str, dict[str, Handler]] = {}
        self._last: set[str] = set()
        """Paths that are answered to the end."""
        self._is_stopping = False

    def stop(self) -> None:
        """Turn everybody away from now on, with 503, who does not ask for what is answered to the end."""
        self._is_stopping = True

    @contextmanager
    def offering(self, method: str, path: str, handler: Handler, *, is_last: bool = False) -> Iterator[None]:
        """Answer requests of one method for one path, until the context is left.

        With `is_last`, also while we stop. Others get a 503 then, so that who asks comes again: to the next process.
        """
        offered = self._handlers.setdefault(path, {})
        assert method not in offered
        offered[method] = handler
        if is_last:
            self._last.add(path)
        try:
            yield
        finally:
            del offered[method]
            if not offered:
                del self._handlers[path]

    @asynccontextmanager
    async def serving(self, port: int, *, host: str | None = None) -> AsyncIterator[int]:
        """Serve on a port, on every address of the machine unless `host` names one. Yields the port; 0 means any.

        Raises:
            SettingsError: the port cannot be had.
        """
        from aiohttp import web  # noqa: PLC0415

        server = web.Server(
            self._handle, access_log=None
        )  # it reads at most a megabyte of a body, more than any platform sends
        runner = web.ServerRunner(server, shutdown_timeout=GRACE_S)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                raise errors.SettingsError(
                    f"PORT: {port} cannot be had ({error.strerror}); set another one, or stop what uses it"
                ) from error
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def _handle(self, request: "web.BaseRequest") -> "web.StreamResponse":
        from aiohttp import web  # noqa: PLC0415

        offered = self._handlers.get(request.path)
        if offered is None:
            return web.Response(status=404, text="There is nothing here.\n")
        handler = offered.get(request.method)
        if handler is None:
            return web.Response(status=405, text="Not in this way.\n", headers={"Allow": ", ".join(sorted(offered))})
        if self._is_stopping and request.path not in self._last:
            return web.Response(status=503, text="We are stopping; ask again.\n", headers={"Retry-After": "5"})
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 - the outer edge: whoever asks hears that it failed, and no more
            _log.error("web.failed", path=request.path, error=type(error).__name__)
            return web.Response(status=500, text="This failed.\n")
