"""The contracts of what can be swapped: a platform's side, a language model, the time."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from bot.errors import ModelError
from bot.messages import AnswerId, Member, Message, MessageId, Platform, Room
from bot.prompt import Prompt
from bot.views import View
from persona.ports import StructuredModel, StructuredReply, StructuredRequest, Usage


class Clock(Protocol):
    """What time it is, and waiting. Tests and the terminal hand in clocks of their own."""

    def now(self) -> datetime:
        """This moment, aware, UTC; never earlier than before."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post of a reply, as an adapter is asked to show it."""

    room: Room
    answer: AnswerId
    part: int
    """From 0."""
    text: str
    """Markdown; the adapter renders it so that nobody is pinged."""
    reply_to: MessageId
    """The message it answers."""
    after: str | None = None
    """The platform's id of the part before it, if that is known."""
    is_final: bool = True
    """Whether the text is complete. One that still grows is not worth waiting for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A message as a platform shows it now."""

    text: str
    """As an edit of it would bring it."""
    is_edited: bool
    """Whether it was ever edited. If not, a text that differs from ours is the same words, spelled anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A stretch of a room that was certainly read whole: what was said in it and is not in `standing` is gone."""

    since: datetime
    until: datetime
    """Both ends belong to it."""
    standing: Mapping[MessageId, Standing]
    """May hold more than the stretch, such as what others said."""
    to_us: Sequence[Message] = ()
    """What members said to us in the stretch, as events would have brought it."""
    threads: Sequence[Room] = ()
    """Threads that begin in the stretch and are not in it themselves, as far as somebody spoke in them in it."""

    def covers(self, moment: datetime) -> bool:
        """Whether what was said at a moment belongs to the stretch."""
        return self.since <= moment <= self.until


class Adapter(Protocol):
    """A platform's side: it hands messages to `Intake` and shows replies. Rendering and limits are its own."""

    platform: Platform
    grow_every_s: float | None
    """Least seconds between two edits of a growing reply; None if replies are shown only when finished."""
    lag_s: float
    """How long `find` may miss a post that was taken; 0 where posting it again would only give the same post."""

    def serves(self, room: Room) -> bool:
        """Whether this process answers in a room now, and not another one of several. Asks nobody."""
        ...

    async def classified(self, room: Room) -> Room:
        """The room with who can read there now, as the platform says; external if it does not say. Never raises."""
        ...

    def parts(self, text: str) -> list[str]:
        """Cut a reply into pieces the platform takes, each valid Markdown, in order, at least one."""
        ...

    async def post(self, post: Post) -> str:
        """Show a new post and return the platform's id of it.

        Raises:
            NotDeliveredError: refused, and it would be refused again.
            PostGoneError: an earlier try was taken, and somebody deleted it.
            UnclearDeliveryError: it may or may not have been taken; `find` tells.
            PlatformUnreachableError: it was certainly not taken; trying again is safe.
        """
        ...

    async def edit(self, post: Post, post_id: str) -> str:
        """Give a post a new text. Repeating it is harmless. Raises as `post` does.

        Returns the id of the post that shows the text: a new one where the old can no longer be changed.
        """
        ...

    async def find(self, post: Post) -> str | None:
        """The id of a post that may have been taken, or None if the platform does not show it, or not yet.

        Copies of it are taken away, where they can be told for certain. Raises as `post` does.
        """
        ...

    async def remove(self, post: Post, post_id: str) -> None:
        """Take away a post of ours; one that is gone already is fine. Raises as `post` does."""
        ...

    def working(self, message: Message) -> AbstractAsyncContextManager[None]:
        """Show in the room, as the platform can, that an answer is on its way."""
        ...

    async def locale(self, member: Member) -> str | None:
        """What the platform says a member reads, such as `pt-BR`; None if it does not say. Never raises."""
        ...

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        """Show something to one member alone. False if the platform has no private way to them now."""
        ...

    def listed_in(self, room: Room, message: MessageId) -> Room:
        """The room in whose history a message of `room` stands: that of a thread's first one may be the channel's."""
        ...

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        """What stands in a room of what was said from `since` to `until`, by one call for messages.

        The stretch that was read may end earlier, or begin later: then another call is for the rest. None if the
        platform does not show the room, or does not say for certain that it shows all of it; that nothing stands there
        is never concluded from that.

        Raises:
            PlatformError: the platform could not be asked now.
        """
        ...

    @property
    def streams(self) -> Collection[str]:
        """The names of what the platform is heard by in this process: other processes may hear the rest of it."""
        ...

    async def hears(self) -> bool:
        """Whether what is said on the platform reaches us now, as far as we can tell. Never raises."""
        ...

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        """Rooms in whose history something said since a moment may stand, newest first. Never raises.

        Of those `known`, which come newest first, and of others if the platform tells of them without being asked.
        """
        ...


class Restart(Enum):
    """An answer begins again: the text so far is void."""

    RESTART = "restart"


RESTART = Restart.RESTART

NO_USAGE = Usage(input_tokens=0, output_tokens=0)
"""Nothing was asked of any model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """That a model is asked less often than there are questions, since it fails."""

    since: datetime
    error: type[ModelError]
    """What it said last."""


class Model(StructuredModel, Protocol):
    """A language model."""

    name: str

    def answer(self, prompt: Prompt) -> AsyncIterator[str | Restart | Usage]:
        """Stream an answer: pieces of text as they come and, only once it is finished, its usage.

        A model that can try again after its text broke off says so with `RESTART` and begins anew.

        Raises:
            ModelError: there is no finished answer; text that came before is not one.
        """
        ...

    async def warm(self) -> None:
        """Load what the first call would otherwise wait for. May do nothing."""
        ...

    async def close(self) -> None:
        """Let go of connections. A second call does nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What became of one request of a batch."""

    request: str
    """The name it was submitted under."""
    outcome: StructuredReply | ModelError


class BatchModel(Protocol):
    """A language model that answers many questions later, for less money."""

    async def submit(self, questions: Mapping[str, StructuredRequest]) -> str:
        """Hand in questions, each under a name of 1 to 64 letters and digits; returns the name of their batch.

        Raises:
            ModelError: no batch, or one whose name we did not learn.
        """
        ...

    async def ended(self, batches: Collection[str]) -> set[str]:
        """Which of these batches run no more; one that is not known counts as ended. Raises `ModelError`."""
        ...

    async def results(self, batch: str) -> list[BatchResult]:
        """What became of the requests of an ended batch, in any order; some may be missing.

        Raises:
            ModelUnknownError: the batch or its results are gone for good.
            ModelError: they could not be read now.
        """
        ...

    async def discard(self, batch: str) -> None:
        """Have an ended batch erased, with what was asked and answered in it. Raises `ModelError`."""
        ...
