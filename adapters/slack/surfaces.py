"""Where a button stands, and where what it shows goes: a message, a modal, or (in `home`) the Home tab."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import structlog
from slack_bolt.async_app import AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import modals, views
from adapters.slack.adapter import SlackAdapter
from adapters.slack.errors import called, code_of
from adapters.slack.modals import Origin
from bot import errors
from bot.messages import Member, Room
from bot.ports import Clock
from bot.views import Form, View

Body = Mapping[str, Any]
T = TypeVar("T")

TOO_LATE = View(text="Slack gives me three seconds to open a form, and I took longer. Please press the button again.")
NOT_OPENED = View(text="Slack did not open the form for me. Please press the button again in a minute.")

_TRIGGER_CODES = {"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"}

_log = structlog.get_logger(__name__)


class Surface(Protocol):
    """A place in which a member presses buttons. Its methods do not raise `PlatformError`: they log it."""

    origin: Origin

    async def show(self, view: View) -> None:
        """Show this in place of what stands there, if that is the member's alone; else beside it, for them alone."""
        ...

    async def open(self, form: Form) -> None:
        """Let the member fill this in."""
        ...


class Workspace:
    """What surfaces work with: one workspace, seen by one app."""

    def __init__(self, client: AsyncWebClient, adapter: SlackAdapter, clock: Clock) -> None:
        self.client = client
        self.adapter = adapter
        self._clock = clock

    async def called(self, call: Callable[[], Awaitable[T]]) -> T:
        """See `adapters.slack.errors.called`."""
        return await called(call, clock=self._clock)

    async def opened(self, form: Form, *, trigger: str, origin: Origin) -> View | None:
        """Open a form, with what Slack gave out for one press, once, and for three seconds. A view says why not."""
        try:
            await self.called(lambda: self.client.views_open(trigger_id=trigger, view=modals.form(form, origin)))
        except errors.PlatformError as error:
            _log.warning("modal.not_opened", error=type(error).__name__, why=str(error))
            is_late = isinstance(error.__cause__, SlackApiError) and code_of(error.__cause__) in _TRIGGER_CODES
            return TOO_LATE if is_late else NOT_OPENED
        return None

    async def done(self, call: Callable[[], Awaitable[object]], otherwise: str) -> bool:
        """Make a call that nothing but the screen depends on. What goes wrong is logged under `otherwise`."""
        try:
            await self.called(call)
        except errors.PlatformError as error:
            _log.warning(otherwise, error=type(error).__name__, why=str(error))
            return False
        return True


class InMessage:
    """A command, or a button in a message: Slack gives out an address to answer to."""

    def __init__(
        self, workspace: Workspace, body: Body, respond: AsyncRespond, *, member: Member, room: Room | None
    ) -> None:
        self.origin = Origin(room=room)
        self._workspace = workspace
        self._trigger = str(body.get("trigger_id") or "")
        self._respond = respond
        self._member = member
        self._may_replace = _is_members_alone(body)

    async def show(self, view: View) -> None:
        """See `Surface.show`."""
        await self._answer(view, replace=self._may_replace)

    async def open(self, form: Form) -> None:
        """See `Surface.open`."""
        if why_not := await self._workspace.opened(form, trigger=self._trigger, origin=self.origin):
            await self._answer(why_not, replace=False)  # the button stays, to be pressed again

    async def _answer(self, view: View, *, replace: bool) -> None:
        if not await self._workspace.done(lambda: self._responded(view, replace=replace), "response.refused"):
            await self._answer_otherwise(view)

    async def _responded(self, view: View, *, replace: bool) -> None:
        answer = await self._respond(
            text=views.text(view),
            blocks=self._workspace.adapter.blocks(view),
            response_type="ephemeral",
            replace_original=replace,
            thread_ts=None if replace or self.origin.room is None else self.origin.room.thread,
            unfurl_links=False,
            unfurl_media=False,
        )
        if answer.status_code != 200:
            raise errors.NotDeliveredError(f"Slack refused an answer to a command (status {answer.status_code})")

    async def _answer_otherwise(self, view: View) -> None:
        """The address is over, or was used up: a new message for the member alone has the same reader."""
        room = self.origin.room
        if room is None:
            return
        try:
            await self._workspace.adapter.notify(room, self._member, view)
        except errors.PlatformError as error:
            _log.error("command.unanswered", error=type(error).__name__, why=str(error))


class InModal:
    """A button in a modal: what it shows takes the place of what stands in the modal."""

    def __init__(self, workspace: Workspace, modal: Body) -> None:
        self.origin = Origin.of(modal)
        self._workspace = workspace
        self._id = str(modal["id"])

    async def show(self, view: View) -> None:
        """See `Surface.show`."""
        await self._update(modals.shown(view, self.origin, link=self._workspace.adapter.link))

    async def open(self, form: Form) -> None:
        """See `Surface.open`: the modal that is open becomes the form, for which Slack gives all the time there is."""
        await self._update(modals.form(form, self.origin))

    async def _update(self, modal: views.Block) -> None:
        await self._workspace.done(
            lambda: self._workspace.client.views_update(view_id=self._id, view=modal), "modal.not_updated"
        )


def _is_members_alone(body: Body) -> bool:
    """Whether nobody else reads the message a button stands in, so that what it shows may take its place."""
    container = body.get("container") or {}
    return bool(container.get("is_ephemeral")) or str(container.get("channel_id", "")).startswith("D")
