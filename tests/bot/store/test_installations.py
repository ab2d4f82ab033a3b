"""Installations: tokens of workspaces, sealed, renewed by one process at a time, and gone with their workspace."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.messages import TenantId
from bot.store import erasing, installations, purging
from bot.store.engine import Store
from bot.store.installations import Installation, Tokens
from persona.freezing import Origin
from tests.clock import NOON
from tests.scan import found

ONE, OTHER = TenantId("slack:T1"), TenantId("slack:T2")
APP = "1.2"
MINUTE = timedelta(minutes=1)


def installed(tenant: TenantId = ONE, token: str = "xoxe.xoxb-sesame", **more: str) -> Installation:  # noqa: S107
    return Installation(
        tenant=tenant,
        app=more.get("app", APP),
        bot_user="U0BOT",
        address="https://acme.slack.com/",
        tokens=Tokens(token=token, refresh_token="xoxe-1-sesame", expires_at=NOON + timedelta(hours=12)),
        installed_at=NOON,
    )


async def found_in(store: Store, tenant: TenantId = ONE, app: str = APP) -> Installation | None:
    return await store.read(partial(installations.find, tenant=tenant, app=app))


async def kept(store: Store, one: Installation) -> Installation:
    """Keep an installation, and read it back."""
    await store.write(partial(installations.save, installed=one))
    back = await found_in(store, one.tenant, one.app)
    assert back is not None
    return back


async def test_what_is_kept_is_found(store: Store) -> None:
    """An installation comes back whole, and counts its first version."""
    assert await kept(store, installed()) == replace(installed(), version=1)


async def test_a_token_that_does_not_end(store: Store) -> None:
    """Where tokens are not rotated there is nothing to renew them with, and no end."""
    plain = replace(installed(), tokens=Tokens(token="xoxb-1"))

    assert (await kept(store, plain)).tokens == Tokens(token="xoxb-1")


async def test_workspaces_and_apps_are_apart(store: Store) -> None:
    """An app finds its own workspaces, and in each the token that was given out there."""
    for tenant, app, token in ((ONE, APP, "a"), (OTHER, APP, "b"), (ONE, "9.9", "c")):
        await kept(store, installed(tenant, token, app=app))

    assert (one := await found_in(store))
    assert one.tokens.token == "a"
    assert (two := await found_in(store, OTHER))
    assert two.tokens.token == "b"
    assert await found_in(store, OTHER, "9.9") is None
    assert await store.read(partial(installations.every, app=APP)) == [ONE, OTHER]
    assert await store.read(partial(installations.every, app="9.9")) == [ONE]


async def test_installing_again_voids_what_was_there(store: Store) -> None:
    """The tokens of a later installation take the place of the earlier ones; who renews those is too late."""
    before = await kept(store, installed())
    await kept(store, installed(token="later"))

    assert not await store.write(partial(installations.renew, known=before, tokens=Tokens(token="late")))
    assert not await store.write(partial(installations.remove, tenant=ONE, app=APP, version=before.version))
    assert (now := await found_in(store))
    assert (now.tokens.token, now.version) == ("later", 2)


async def test_one_renews_at_a_time(store: Store) -> None:
    """Whoever claims first renews; another may once that one gave up, or took too long."""
    known = await kept(store, installed())
    claim = partial(installations.claim, known=known, now=NOON, until=NOON + MINUTE)

    assert [await store.write(claim) for _ in range(2)] == [True, False]
    await store.write(partial(installations.give_up, known=known))
    assert [await store.write(claim) for _ in range(2)] == [True, False]
    late = partial(installations.claim, known=known, now=NOON + MINUTE, until=NOON + 2 * MINUTE)
    assert await store.write(late)


async def test_renewed_tokens_take_the_place_of_the_old(store: Store) -> None:
    """Renewing keeps new tokens once, and lets the next ones be claimed; an old claim counts no more."""
    known = await kept(store, installed())
    assert await store.write(partial(installations.claim, known=known, now=NOON, until=NOON + MINUTE))
    renewed = Tokens(token="new", refresh_token="next", expires_at=NOON + timedelta(hours=24))

    assert await store.write(partial(installations.renew, known=known, tokens=renewed))
    assert not await store.write(partial(installations.renew, known=known, tokens=installed().tokens))
    assert not await store.write(partial(installations.claim, known=known, now=NOON + MINUTE, until=NOON + 2 * MINUTE))
    assert (now := await found_in(store))
    assert (now.tokens, now.version) == (renewed, 2)
    assert await store.write(partial(installations.claim, known=now, now=NOON, until=NOON + MINUTE))


async def test_what_ends_soon_is_found(store: Store) -> None:
    """Workspaces whose tokens end before a moment are found, the first to end first; tokens without an end never."""
    for number, tenant in enumerate((OTHER, ONE)):
        tokens = Tokens(token="t", refresh_token="r", expires_at=NOON + number * MINUTE)
        await kept(store, replace(installed(tenant), tokens=tokens))
    await kept(store, replace(installed(TenantId("slack:T3")), tokens=Tokens(token="t")))
    ending = partial(installations.ending, app=APP)

    assert await store.read(partial(ending, before=NOON)) == [OTHER]
    assert await store.read(partial(ending, before=NOON + MINUTE)) == [OTHER, ONE]


async def test_a_removed_installation_is_gone(store: Store) -> None:
    """Once removed nothing is found, of that workspace alone."""
    for tenant in (ONE, OTHER):
        await kept(store, installed(tenant))

    assert await store.write(partial(installations.remove, tenant=ONE, app=APP))
    assert not await store.write(partial(installations.remove, tenant=ONE, app=APP))
    assert await found_in(store) is None
    assert await found_in(store, OTHER) is not None


@pytest.mark.sqlite
async def test_no_token_can_be_read_in_the_files(store: Store, tmp_path: Path) -> None:
    """Neither token stands in the database as it is; once removed, the sealed ones do not either."""
    await kept(store, installed())
    assert found(tmp_path, ["sesame"]) == {}
    (row,) = await store.read(lambda transaction: transaction.fetch("SELECT token FROM installation"))
    assert found(tmp_path, [row["token"]])
    await store.write(partial(installations.remove, tenant=ONE, app=APP))
    await store.scrub()

    assert found(tmp_path, [row["token"]]) == {}


async def test_a_purge_by_an_admin_leaves_the_tokens(store: Store) -> None:
    """When an admin has everything erased that was said, keys are made anew, and the workspace stays installed."""
    known = await kept(store, installed())
    await store.write(partial(erasing.renew_keys, origin=Origin(tenant=ONE), now=NOON))

    assert await found_in(store) == known


async def test_a_workspace_takes_its_tokens_along(store: Store) -> None:
    """When a workspace is erased its tokens are, and their key."""
    for tenant in (ONE, OTHER):
        await kept(store, installed(tenant))
    await store.write(partial(purging.purge_tenant, origin=Origin(tenant=ONE), most=9))
    await store.write(partial(erasing.destroy_keys, origin=Origin(tenant=ONE), now=NOON, most=9))

    assert await found_in(store) is None
    assert await found_in(store, OTHER) is not None


async def test_tokens_whose_key_is_destroyed_are_none(store: Store) -> None:
    """In a backup from before a workspace was erased its tokens are as good as gone."""
    await kept(store, installed())
    await store.write(partial(erasing.destroy_keys, origin=Origin(tenant=ONE), now=NOON, most=9))

    assert await found_in(store) is None


async def test_an_invitation_is_used_once(store: Store) -> None:
    """An invitation counts once; it is remembered until it would be over anyway, and no longer."""
    use = partial(installations.use, expires_at=NOON + MINUTE, now=NOON)

    assert [await store.write(partial(use, digest=digest)) for digest in ("a", "a", "b")] == [True, False, True]
    later = partial(installations.use, digest="c", expires_at=NOON + 2 * MINUTE, now=NOON + MINUTE)
    assert await store.write(later)
    rows = await store.read(lambda transaction: transaction.fetch("SELECT digest FROM install_state"))
    assert [row["digest"] for row in rows] == ["c"]
