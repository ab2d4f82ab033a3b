"""What the Slack SDK raises, as our own errors: did the post happen, can it be tried again?"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot import errors
from bot.ports import Clock

T = TypeVar("T")

LONGEST_WAIT_S = 60.0
"""Slack's own waits are far shorter; a longer one is tried again by the sweep."""

_KEY_CODES = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
}
MALFORMED = (AttributeError, LookupError, TypeError, ValueError, OverflowError)
"""What reading a payload or an answer raises that is not shaped as Slack says; the SDK's own reading as well."""

UNKNOWN = "unknown"
"""Instead of Slack's word for it: something on the way answered, or Slack failed."""

_REMOVED_CODES = {"account_inactive", "token_revoked"}
_GONE_CODE = "message_not_found"
_PASSING_CODES = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}


async def called(call: Callable[[], Awaitable[T]], *, clock: Clock, tries: int = 3) -> T:
    """The result of an SDK call, repeated only after a rate limit, since nothing was done then; or one of our errors.

    Raises:
        PlatformKeyError: the token is not accepted.
        PlatformUnreachableError: the call certainly had no effect and may be repeated.
        UnclearDeliveryError: it may have had its effect.
        NotDeliveredError: Slack refused it, and would again.
        PostGoneError: it is about a message that somebody deleted.
    """
    try:
        return await call()
    except SlackApiError as error:
        if _is_rate_limit(error) and tries > 1:
            await clock.sleep(retry_after_s(error))
            return await called(call, clock=clock, tries=tries - 1)
        raise _api_error(error) from error
    except (aiohttp.ClientError, SlackClientError, OSError) as error:
        raise _connection_error(error) from error
    except MALFORMED as error:
        raise errors.UnclearDeliveryError("something that is not Slack answered, or Slack failed") from error


@contextmanager
def understood() -> Iterator[None]:
    """Read an answer of Slack's.

    Raises:
        UnclearDeliveryError: it is not shaped like one, so whatever it answers may have had its effect.
    """
    try:
        yield
    except MALFORMED as error:
        raise errors.UnclearDeliveryError("Slack's answer is not shaped like one") from error


def text_of(answer: Any, name: str) -> str:
    """A text in an answer of Slack's; raises as `understood` does if there is none."""
    with understood():
        found = answer[name]
        if not isinstance(found, str):
            raise TypeError(name)
        return found


def _connection_error(error: Exception) -> errors.PlatformError:
    if isinstance(error, aiohttp.ClientConnectorError):
        return errors.PlatformUnreachableError("Slack could not be reached")
    return errors.UnclearDeliveryError(f"{type(error).__name__} while calling Slack")


def _api_error(error: SlackApiError) -> errors.PlatformError:
    status, code = _status(error), code_of(error)
    if code in _KEY_CODES:
        return errors.PlatformKeyError(f"Slack refused the token ({code})")
    if _is_rate_limit(error):
        return errors.PlatformUnreachableError("Slack is rate limiting us")
    if status >= 500 or code in _PASSING_CODES or code == UNKNOWN:
        return errors.UnclearDeliveryError(f"Slack failed (status {status}, {code})")
    if code == _GONE_CODE:
        return errors.PostGoneError(f"Slack does not have the message any more ({code})")
    return errors.NotDeliveredError(f"Slack refused it ({code})")


def code_of(error: SlackApiError) -> str:
    """Slack's own word for what went wrong."""
    data = getattr(error.response, "data", None)
    return str(data.get("error", UNKNOWN)) if isinstance(data, dict) else UNKNOWN


def is_too_old(refused: errors.NotDeliveredError) -> bool:
    """Whether Slack refused an edit because the post is older than the workspace lets posts be edited."""
    return isinstance(refused.__cause__, SlackApiError) and code_of(refused.__cause__) == "edit_window_closed"


def is_no_thread(refused: errors.NotDeliveredError) -> bool:
    """Whether Slack says that there is no such thread in a channel that it does show us."""
    return isinstance(refused.__cause__, SlackApiError) and code_of(refused.__cause__) == "thread_not_found"


def is_removal(refused: errors.PlatformKeyError) -> bool:
    """Whether Slack says that a token was good once; one it merely does not know may be a mistake, even Slack's."""
    return isinstance(refused.__cause__, SlackApiError) and code_of(refused.__cause__) in _REMOVED_CODES


def is_about_token(code: str) -> bool:
    """Whether Slack's word says that it did nothing, since it does not take the token."""
    return code in _KEY_CODES


def is_removal_code(code: str) -> bool:
    """See `is_removal`, for Slack's own word."""
    return code in _REMOVED_CODES


def _status(error: SlackApiError) -> int:
    """The HTTP status; a body that is no JSON leaves the SDK's error without it, and the outcome unclear."""
    return int(getattr(error.response, "status_code", None) or getattr(error.response, "status", None) or 500)


def _is_rate_limit(error: SlackApiError) -> bool:
    return _status(error) == 429 or code_of(error) in {"ratelimited", "rate_limited"}


def retry_after_s(error: SlackApiError) -> float:
    """What a rate limit asks us to wait, in seconds."""
    try:
        return min(float(error.response.headers.get("Retry-After", "1")), LONGEST_WAIT_S)
    except ValueError:
        return 1.0
