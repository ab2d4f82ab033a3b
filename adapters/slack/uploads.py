"""Files, which no private message in a channel can carry: into the member's direct message with us, nowhere else."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import called, code_of
from bot import errors
from bot.messages import Member
from bot.ports import Clock
from bot.views import File, View

SENT = "It is in your direct message with me."
NOT_ALLOWED = (
    "I may not send you the file: whoever manages this Slack app has to give it the scopes `files:write` and"
    " `im:write` and install it again. Then ask me once more."
)
NOT_SENT = "I could not send you the file, since Slack did not take it. Please ask again in a few minutes."
UNCLEAR = "Slack did not say whether it took the file: look into your direct message with me, or ask again."

_log = structlog.get_logger(__name__)


async def without_files(view: View, member: Member, *, client: AsyncWebClient, clock: Clock) -> View:
    """The view, its files sent to the member; a sentence in it says where they are, or why they are nowhere."""
    if not view.files:
        return view
    return replace(view, text=f"{view.text} {await _sent(view.files, member, client, clock)}", files=())


async def _sent(files: Sequence[File], member: Member, client: AsyncWebClient, clock: Clock) -> str:
    uploads = [{"filename": file.name, "title": file.name, "content": file.text} for file in files]
    try:
        opened = await called(lambda: client.conversations_open(users=member.id), clock=clock)
        channel = str(opened["channel"]["id"])
        await called(lambda: client.files_upload_v2(channel=channel, file_uploads=uploads), clock=clock)
    except errors.PlatformError as error:
        _log.warning("file.not_sent", error=type(error).__name__, why=str(error))
        return _why_not(error)
    return SENT


def _why_not(error: errors.PlatformError) -> str:
    if isinstance(error.__cause__, SlackApiError) and code_of(error.__cause__) == "missing_scope":
        return NOT_ALLOWED
    return UNCLEAR if isinstance(error, errors.UnclearDeliveryError) else NOT_SENT
