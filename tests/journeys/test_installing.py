"""Installing Rapport in a workspace: by whom it was begun, in that browser, once; and what does not work is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.slack.installing import INSTALL_PATH, REDIRECT_PATH
from tests.journeys.test_workspaces import installed_in
from tests.journeys.worlds import MANIFEST
from tests.journeys.worlds_many import CLIENT_ID, PUBLIC, Browser, ManyWorlds, many_worlds
from tests.twins.server import Fault


@pytest.fixture
async def many(database: Path) -> AsyncIterator[ManyWorlds]:
    """Two workspaces, over HTTP, and Rapport running."""
    async with many_worlds(database.parent, "http") as made, made.running():
        yield made


@pytest.fixture
def browser(many: ManyWorlds) -> Browser:
    """Of whoever installs it."""
    return Browser(many.port)


async def begun(many: ManyWorlds, browser: Browser) -> str:
    """Begin to install and agree at Slack; the address the browser is sent to."""
    return many.app.approves((await browser.opens(f"{PUBLIC}{INSTALL_PATH}")).link)


async def test_a_workspace_is_asked_for_what_the_manifest_says(many: ManyWorlds, browser: Browser) -> None:
    """The page says in plain words what this is, and leads to Slack's, which asks for the manifest's scopes."""
    page = await browser.opens(f"{PUBLIC}{INSTALL_PATH}")
    asked = parse_qs(urlsplit(page.link).query)

    assert page.status == 200
    assert "only after that member agreed" in page.text
    assert asked["scope"][0].split(",") == MANIFEST["oauth_config"]["scopes"]["bot"]
    assert asked["client_id"] == [CLIENT_ID]
    assert "user_scope" not in asked


async def test_the_pages_keep_to_themselves(many: ManyWorlds, browser: Browser) -> None:
    """No page is kept, framed, or tells another site its address, which holds a code; none runs a script."""
    pages = [await browser.opens(f"{PUBLIC}{INSTALL_PATH}"), await browser.opens(await begun(many, browser))]
    pages.append(await browser.opens(f"{PUBLIC}{REDIRECT_PATH}?error=%3Cscript%3E"))

    for page in pages:
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "<script" not in page.text


async def test_an_invitation_works_once(many: ManyWorlds, browser: Browser) -> None:
    """The address that Slack sent a browser to is of no use a second time, not even in the same browser."""
    address = await begun(many, browser)
    cookies = browser.cookies.output()
    first = await browser.opens(address)
    browser.cookies.load(cookies.replace("Set-Cookie: ", ""))
    again = await browser.opens(address)

    assert (first.status, again.status) == (200, 401)
    assert "used already" in again.text
    assert installed_in(many) == ["slack:T1"]


async def test_an_invitation_is_of_one_browser(many: ManyWorlds, browser: Browser) -> None:
    """Nobody is led to install somebody else's choice: in another browser the address does nothing."""
    address = await begun(many, browser)
    other = Browser(many.port)
    without = await other.opens(address)
    await other.opens(f"{PUBLIC}{INSTALL_PATH}")
    with_its_own = await other.opens(address)

    assert (without.status, with_its_own.status) == (400, 400)
    assert "another browser" in without.text
    assert installed_in(many) == []
    assert many.app.calls("/api/oauth.v2.access") == []


@pytest.mark.parametrize("change", [str.upper, lambda state: f"9{state}", lambda state: state[:-1], lambda _: "a.b.c"])
async def test_a_forged_invitation_is_none(many: ManyWorlds, browser: Browser, change: partial[str]) -> None:
    """Only what we signed is an invitation, even if the browser's cookie says the same."""
    address = await begun(many, browser)
    state = parse_qs(urlsplit(address).query)["state"][0]
    for cookie in browser.cookies.values():
        cookie.set(cookie.key, change(state), change(state))
    page = await browser.opens(address.replace(state, change(state)))

    assert page.status == 401
    assert installed_in(many) == []


async def test_an_invitation_is_over_after_ten_minutes(many: ManyWorlds, browser: Browser) -> None:
    """What is not used within ten minutes has to be begun again."""
    address = await begun(many, browser)
    many.pass_time(minutes=10)
    page = await browser.opens(address)

    assert (page.status, page.link) == (401, INSTALL_PATH)
    assert "more than ten minutes" in page.text
    assert installed_in(many) == []


async def test_who_does_not_agree_installs_nothing(many: ManyWorlds, browser: Browser) -> None:
    """Whoever presses Cancel at Slack reads that nothing was installed."""
    invitation = await browser.opens(f"{PUBLIC}{INSTALL_PATH}")
    page = await browser.opens(many.app.declines(invitation.link))

    assert page.status == 200
    assert "You did not let Rapport in" in page.text
    assert installed_in(many) == []


async def test_a_code_that_is_none(many: ManyWorlds, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """A code that Slack did not give out installs nothing, and stands in no log."""
    address = await begun(many, browser)
    code = parse_qs(urlsplit(address).query)["code"][0]
    page = await browser.opens(address.replace(code, "guessed-code"))

    assert page.status == 401
    assert "did not accept the code" in page.text
    assert installed_in(many) == []
    assert "guessed-code" not in caplog.text


async def test_a_whole_organisation_is_handed_back(many: ManyWorlds, browser: Browser) -> None:
    """Where somebody chose a whole organisation, nothing is kept, the app is uninstalled there, and a page says so."""
    invitation = await browser.opens(f"{PUBLIC}{INSTALL_PATH}")
    page = await browser.opens(many.app.approves(invitation.link, is_organisation=True))

    assert page.status == 400
    assert "a whole organisation" in page.text
    assert installed_in(many) == []
    assert len(many.app.handed_back) == 1


@pytest.mark.parametrize("method", ["oauth.v2.access", "auth.test"])
async def test_slack_out_of_reach(many: ManyWorlds, browser: Browser, method: str) -> None:
    """While Slack cannot be reached nothing is installed, and the page says what to do; then it works."""
    many.app.fault("POST", f"/api/{method}", Fault(reset_before=True, times=3))
    page = await browser.opens(await begun(many, browser))
    many.app._faults.clear()

    assert page.status in {500, 502}
    assert "Try again in a few minutes" in page.text
    assert installed_in(many) == []
    assert (await many.installs(many.one)).status == 200


@pytest.mark.parametrize("table", ["installation", "install_state"])
async def test_what_could_not_be_kept_is_said(many: ManyWorlds, browser: Browser, table: str) -> None:
    """While the database fails nobody reads that it worked; once it is well again, installing works."""
    address = await begun(many, browser)
    await many.core.store.write(lambda transaction: transaction.execute(f"ALTER TABLE {table} RENAME TO away"))
    page = await browser.opens(address)
    await many.core.store.write(lambda transaction: transaction.execute(f"ALTER TABLE away RENAME TO {table}"))

    assert page.status == 500
    assert "could not keep that" in page.text
    assert installed_in(many) == []
    assert (await many.installs(many.one)).status == 200


async def test_a_workspace_is_installed_twice(many: ManyWorlds) -> None:
    """Whoever installs it again, while it is there, changes nothing but the token; members are not asked again."""
    await many.installs(many.one)
    await many.one.answered(await many.one.says("Ana", "hello"))
    await many.installs(many.one)
    await many.one.answered(await many.one.says("Ana", "hello again"))

    assert installed_in(many) == ["slack:T1"]
    assert len(many.one.notices("Ana")) == 1
