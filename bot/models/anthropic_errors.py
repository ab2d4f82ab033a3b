"""What the Anthropic SDK raises, as our own errors, and what is worth another try.

Rules measured on the SDK (reliability 0.4 to 0.7, anthropic sheet 3.3 and 3.4): an overload inside a stream is a
plain status error with status 200, so the type in the body counts, not the class; a broken stream is an httpx2 error;
a spend limit is a 429 that no waiting cures.
"""

import re
from dataclasses import dataclass

import anthropic
import httpx2

from bot import errors

ODDITIES = (
    TimeoutError,
    EOFError,
    anthropic.AnthropicError,
    httpx2.HTTPError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""Everything that can come of a call or a stream, an end without a reason included. The last five stand for replies
that are no SSE, no JSON, or JSON of another shape: a captive portal, or an endpoint that nearly speaks the API."""

LONGEST_WAIT_S = 20.0
"""A `retry-after` beyond this is not waited for: nobody sits in front of a chat that long."""

_BY_TYPE: dict[str, type[errors.ModelError]] = {
    "authentication_error": errors.ModelKeyError,
    "permission_error": errors.ModelKeyError,
    "billing_error": errors.ModelLimitError,
    "rate_limit_error": errors.ModelBusyError,
    "overloaded_error": errors.ModelBusyError,
    "api_error": errors.ModelBusyError,
    "timeout_error": errors.ModelBusyError,
    "invalid_request_error": errors.ModelRequestError,
    "not_found_error": errors.ModelUnknownError,
    "request_too_large": errors.ModelRequestError,
}
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)*_(?:limit|reached|exceeded|unavailable|error)(?:_[a-z]+)?")
_BY_STATUS: dict[int, type[errors.ModelError]] = {
    401: errors.ModelKeyError,
    402: errors.ModelLimitError,
    403: errors.ModelKeyError,
    404: errors.ModelUnknownError,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call."""

    error: errors.ModelError
    wait_s: float | None
    """Least seconds before another try; None if none is worth it."""

    def cut(self) -> "Failure":
        """The same for an answer that had begun."""
        return self if self.wait_s is None else Failure(errors.ModelCutError(str(self.error)), self.wait_s)


def failure(error: Exception) -> Failure:
    """What one of `ODDITIES` means. The texts never carry what was sent."""
    if isinstance(error, anthropic.APIStatusError):
        return _status_failure(error)
    if isinstance(error, TimeoutError):
        return Failure(errors.ModelUnreachableError("the model was silent for too long"), 0.0)
    if isinstance(error, anthropic.APIConnectionError | httpx2.HTTPError):
        return Failure(errors.ModelUnreachableError("the connection to the model failed"), 0.0)
    if isinstance(error, EOFError):
        return Failure(errors.ModelCutError("the model's reply ended without saying why"), 0.0)
    return Failure(errors.ModelCutError("the model's reply could not be read"), 0.0)


def named(kind: object) -> errors.ModelError:
    """An error of which only its type in the body is known, such as that of one request in a batch."""
    word = _word(kind)
    ours = _BY_TYPE.get(word, errors.ModelRequestError)
    return ours(" ".join(filter(None, (word and f"{word}.", ours.__doc__))))


def _status_failure(error: anthropic.APIStatusError) -> Failure:
    kind, code = _word(error.type), _word(getattr(error, "error_code", None))
    ours = _kind(error, kind, code)
    what = " ".join(filter(None, (f"status {error.status_code}", kind, code and f"({code})")))
    return Failure(ours(f"{what}. {ours.__doc__}"), _wait_s(error) if ours is errors.ModelBusyError else None)


def _word(value: object) -> str:
    """A name of the API's, or nothing: an odd endpoint might echo the key there, or the question."""
    is_known = isinstance(value, str) and (value in _BY_TYPE or _CODE.fullmatch(value) is not None)
    return str(value) if is_known else ""


def _kind(error: anthropic.APIStatusError, kind: str, code: str) -> type[errors.ModelError]:
    if "spend_limit" in code:
        return errors.ModelLimitError
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if error.status_code in _BY_STATUS:
        return _BY_STATUS[error.status_code]
    is_passing = error.status_code in {200, 408, 409, 429} or error.status_code >= 500
    return errors.ModelBusyError if is_passing else errors.ModelRequestError


def _wait_s(error: anthropic.APIStatusError) -> float | None:
    """What the server asks us to wait; None if that is too long, or if a rate limit says nothing.

    A tier's monthly cap is a 429 without `retry-after`: waiting does not help.
    """
    headers = error.response.headers
    header = headers.get("retry-after")
    if "retry-after-ms" in headers and headers["retry-after-ms"].isdecimal():
        header = str(int(headers["retry-after-ms"]) / 1000)
    if header is None:
        return None if error.status_code == 429 else 0.0
    try:
        seconds = float(header)
    except ValueError:
        return None  # a date: further away than anybody waits
    return seconds if seconds <= LONGEST_WAIT_S else None
