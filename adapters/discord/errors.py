"""What discord.py raises, as our own errors: did the post happen, can it be tried again?

discord.py waits out rate limits and repeats 5xx answers itself, with the same nonce, so a repeat is not a double.
"""

from collections.abc import Awaitable
from typing import TypeVar

import aiohttp
import discord

from bot import errors

EXPIRED = 50_027
"""Discord's code for an interaction whose fifteen minutes are over; it comes with the status of a refused token."""

GONE = 10_008
"""Discord's code for a message that is not there: the one to be changed, or the one that a nonce was given to."""

MALFORMED = (AttributeError, LookupError, TypeError, ValueError, OverflowError)
"""What discord.py raises when it reads an answer that is not shaped as Discord says."""

T = TypeVar("T")


async def called(call: Awaitable[T]) -> T:
    """The result of a call, or one of our errors.

    Raises:
        PlatformKeyError: the token is not accepted.
        PlatformUnreachableError: the call certainly had no effect and may be repeated.
        UnclearDeliveryError: it may have had its effect.
        NotDeliveredError: Discord refused it, and would again.
        PostGoneError: it is about a message that somebody deleted.
    """
    try:
        return await call
    except discord.RateLimited as error:
        raise errors.PlatformUnreachableError("Discord is rate limiting us") from error
    except discord.DiscordServerError as error:
        raise errors.UnclearDeliveryError(f"Discord failed (status {error.status})") from error
    except discord.HTTPException as error:
        raise _refusal(error) from error
    except discord.InteractionResponded as error:
        raise errors.NotDeliveredError("the interaction was responded to already") from error
    except aiohttp.ClientConnectorError as error:
        raise errors.PlatformUnreachableError("Discord could not be reached") from error
    except (aiohttp.ClientError, OSError) as error:
        raise errors.UnclearDeliveryError(f"{type(error).__name__} while calling Discord") from error
    except MALFORMED as error:
        raise errors.UnclearDeliveryError("Discord's answer is not shaped like one") from error


def _refusal(error: discord.HTTPException) -> errors.PlatformError:
    if error.status == 429:
        return errors.PlatformUnreachableError("Discord is rate limiting us")
    if error.status == 401 and error.code != EXPIRED:
        return errors.PlatformKeyError("Discord refused the token")
    if error.code == GONE:
        return errors.PostGoneError(f"Discord does not have the message any more (code {GONE})")
    return errors.NotDeliveredError(f"Discord refused it (status {error.status}, code {error.code})")
