"""Installations: workspaces that installed the app themselves, each with its tokens, which are sealed.

A token can be renewed once with what came with it, so one process renews at a time; and each change has a version, so
that whoever was late changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.messages import TenantId
from persona.moments import from_micros, maybe_from_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Cell, Row, Transaction

_SAVE = """
    INSERT INTO installation (tenant, app, bot_user, address, token, refresh_token, expires_at, installed_at,
                              version, renewing_until)
    VALUES (:tenant, :app, :bot_user, :address, :token, :refresh_token, :expires_at, :installed_at, 1, 0)
    ON CONFLICT (tenant, app) DO UPDATE SET
        bot_user = excluded.bot_user, address = excluded.address, token = excluded.token,
        refresh_token = excluded.refresh_token, expires_at = excluded.expires_at,
        installed_at = excluded.installed_at, version = installation.version + 1, renewing_until = 0
"""
_FIND = "SELECT * FROM installation WHERE tenant = :tenant AND app = :app"
_EVERY = "SELECT tenant FROM installation WHERE app = :app ORDER BY tenant"
_ENDING = "SELECT tenant FROM installation WHERE app = :app AND expires_at <= :before ORDER BY expires_at"
_REMOVE = "DELETE FROM installation WHERE tenant = :tenant AND app = :app AND (:version = 0 OR version = :version)"
_CLAIM = """
    UPDATE installation SET renewing_until = :until
    WHERE tenant = :tenant AND app = :app AND version = :version AND renewing_until <= :now
"""
_RENEW = """
    UPDATE installation
    SET token = :token, refresh_token = :refresh_token, expires_at = :expires_at, version = version + 1,
        renewing_until = 0
    WHERE tenant = :tenant AND app = :app AND version = :version
"""
_GIVE_UP = """
    UPDATE installation SET renewing_until = 0 WHERE tenant = :tenant AND app = :app AND version = :version
"""
_OVER = "DELETE FROM install_state WHERE tenant = '' AND expires_at <= :now"
_USE = """
    INSERT INTO install_state (tenant, digest, expires_at) VALUES ('', :digest, :expires_at)
    ON CONFLICT (tenant, digest) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a platform gave out for a workspace."""

    token: str
    refresh_token: str = ""
    """Renews the token, once. Empty for tokens that do not end."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One app in one workspace."""

    tenant: TenantId
    app: str
    """The platform's id of the app: two apps on one database know nothing of each other's workspaces."""
    bot_user: str
    """As whom we are there."""
    address: str
    """Where people open the workspace, such as `https://acme.slack.com/`."""
    tokens: Tokens
    installed_at: datetime
    version: int = 0
    """Counts every change of the tokens; 0 before it is kept."""


async def save(transaction: Transaction, installed: Installation) -> None:
    """Keep an installation; one of the same app in the same workspace before it is void, with its tokens."""
    await transaction.execute(
        _SAVE,
        tenant=installed.tenant,
        app=installed.app,
        bot_user=installed.bot_user,
        address=installed.address,
        installed_at=to_micros(installed.installed_at),
        **await _sealed(transaction, installed.tokens, tenant=installed.tenant, app=installed.app),
    )


async def find(transaction: Transaction, tenant: TenantId, *, app: str) -> Installation | None:
    """An app's installation in a workspace; None too for one whose key is destroyed, as in a restored backup."""
    row = await transaction.fetch_one(_FIND, tenant=tenant, app=app)
    return None if row is None else await _opened(transaction, row)


async def every(transaction: Transaction, *, app: str) -> Sequence[TenantId]:
    """The workspaces that an app is installed in."""
    return [TenantId(row["tenant"]) for row in await transaction.fetch(_EVERY, app=app)]


async def ending(transaction: Transaction, *, app: str, before: datetime) -> Sequence[TenantId]:
    """The workspaces whose token of an app ends before a moment, the first to end first."""
    return [TenantId(row["tenant"]) for row in await transaction.fetch(_ENDING, app=app, before=to_micros(before))]


async def remove(transaction: Transaction, tenant: TenantId, *, app: str, version: int = 0) -> bool:
    """Destroy the tokens of a workspace; only those of a `version`, if one is given. False if there are none."""
    return bool(await transaction.execute(_REMOVE, tenant=tenant, app=app, version=version))


async def claim(transaction: Transaction, known: Installation, *, now: datetime, until: datetime) -> bool:
    """Take it on oneself to renew tokens, until a moment. False if another does, or they changed already."""
    changed = await transaction.execute(_CLAIM, **_of(known), now=to_micros(now), until=to_micros(until))
    return bool(changed)


async def renew(transaction: Transaction, known: Installation, tokens: Tokens) -> bool:
    """Keep renewed tokens in the place of the known ones. False if those are there no more: these are void then."""
    sealed = await _sealed(transaction, tokens, tenant=known.tenant, app=known.app)
    return bool(await transaction.execute(_RENEW, **_of(known), **sealed))


async def give_up(transaction: Transaction, known: Installation) -> None:
    """Let others try to renew tokens: it did not work."""
    await transaction.execute(_GIVE_UP, **_of(known))


async def use(transaction: Transaction, digest: str, *, expires_at: datetime, now: datetime) -> bool:
    """Note that an invitation to install was used, by its digest, until it is over anyway. False if it was before."""
    await transaction.execute(_OVER, now=to_micros(now))
    return bool(await transaction.execute(_USE, digest=digest, expires_at=to_micros(expires_at)))


def _of(known: Installation) -> dict[str, str | int]:
    return {"tenant": known.tenant, "app": known.app, "version": known.version}


def _owner(tenant: str) -> MemberKey:
    """Whose key seals them: no member's, and gone with all others when the workspace is erased."""
    return MemberKey(tenant=tenant, id="")


def _cell(column: str, tenant: str, app: str) -> Cell:
    return f"installation.{column}", tenant, app


async def _sealed(
    transaction: Transaction, tokens: Tokens, *, tenant: TenantId, app: str
) -> dict[str, str | int | None]:
    words = {"token": tokens.token, "refresh_token": tokens.refresh_token}
    sealed: dict[str, str | int | None] = {
        column: await transaction.seal(text, owner=_owner(tenant), cell=_cell(column, tenant, app))
        for column, text in words.items()
    }
    return sealed | {"expires_at": None if tokens.expires_at is None else to_micros(tokens.expires_at)}


async def _opened(transaction: Transaction, row: Row) -> Installation | None:
    cells = [(row[column], _cell(column, row["tenant"], row["app"])) for column in ("token", "refresh_token")]
    token, refresh_token = await transaction.unseal(cells)
    if token is None or refresh_token is None:
        return None
    return Installation(
        tenant=TenantId(row["tenant"]),
        app=row["app"],
        bot_user=row["bot_user"],
        address=row["address"],
        tokens=Tokens(token=token, refresh_token=refresh_token, expires_at=maybe_from_micros(row["expires_at"])),
        installed_at=from_micros(row["installed_at"]),
        version=row["version"],
    )
