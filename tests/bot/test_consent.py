"""Consent: the stricter of the member's decision and the tenant's default, and nothing from before it was given."""

from datetime import timedelta

import pytest

from bot import consent
from bot.consent import Default
from bot.store.members import Consent, ConsentState
from bot.store.sqlite import SqliteStore
from bot.wording import LANGUAGES, Language
from tests.bot.commands.members import ANA
from tests.bot.desk import Desk, room
from tests.clock import NOON, StillClock

STATES: tuple[ConsentState, ...] = ("off", "asked", "on", "paused", "withdrawn")
BEFORE, AFTER = NOON - timedelta(microseconds=1), NOON + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("default", "remembered"),
    [("ask", ["on"]), ("on", ["off", "asked", "on"]), ("off", [])],
)
def test_who_is_remembered(default: Default, remembered: list[ConsentState]) -> None:
    """A member is remembered if they agreed, or never decided where that is the default; "off" overrules everybody."""
    found = [state for state in STATES if consent.is_on(Consent(state=state, since=NOON), default)]

    assert found == remembered


@pytest.mark.parametrize("state", ["paused", "withdrawn"])
@pytest.mark.parametrize("default", ["ask", "on", "off"])
def test_a_no_is_a_no(state: ConsentState, default: Default) -> None:
    """Who paused or withdrew is not remembered, and nothing they said at any time is learned, whatever the default."""
    decision = Consent(state=state, since=NOON)

    assert not consent.is_on(decision, default)
    assert not any(consent.covers(decision, default, moment) for moment in (BEFORE, NOON, AFTER))


@pytest.mark.parametrize("default", ["ask", "on"])
@pytest.mark.parametrize(("said_at", "is_covered"), [(BEFORE, False), (NOON, True), (AFTER, True)])
def test_nothing_from_before_the_yes(default: Default, said_at: object, is_covered: bool) -> None:  # noqa: FBT001 - a parameter
    """What a member said before they agreed is not learned; from that very moment on it is."""
    assert consent.covers(Consent(state="on", since=NOON), default, said_at) == is_covered  # type: ignore[arg-type]  # a moment


@pytest.mark.parametrize("state", ["off", "asked"])
@pytest.mark.parametrize("said_at", [BEFORE, NOON, AFTER])
def test_where_on_is_the_default_all_is_covered(state: ConsentState, said_at: object) -> None:
    """Where members are remembered by default, being asked begins nothing anew: all they said may be learned."""
    assert consent.covers(Consent(state=state, since=NOON), "on", said_at)  # type: ignore[arg-type]  # a moment


def test_a_yes_without_a_moment_covers_everything() -> None:
    """A yes whose moment is unknown counts for all that was said."""
    assert consent.covers(Consent(state="on", since=None), "ask", BEFORE)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("said_at", [BEFORE, NOON, AFTER])
def test_off_covers_nothing(state: ConsentState, said_at: object) -> None:
    """Where the operator switched it off nothing is learned, not even with a yes."""
    assert not consent.covers(Consent(state=state, since=NOON), "off", said_at)  # type: ignore[arg-type]  # a moment


@pytest.mark.parametrize(("default", "asked"), [("ask", ["off"]), ("on", []), ("off", [])])
def test_who_is_asked(default: Default, asked: list[ConsentState]) -> None:
    """Only who was never asked is asked, once, and only where asking is what the operator wants."""
    found = [state for state in STATES if consent.is_to_be_asked(Consent(state=state), default)]

    assert found == asked


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notice_offers_a_yes_and_a_no(language: Language) -> None:
    """In every language it names the command that shows and deletes everything, and has a button for either."""
    notice = consent.notice(language)

    assert "/persona" in notice.text
    assert [button.action for button in notice.buttons] == ["consent:on", "consent:declined"]
    assert len({button.label for button in notice.buttons}) == 2
    assert all(0 < len(button.label) <= 24 for button in notice.buttons)


def test_the_notice_says_what_matters() -> None:
    """It says what is remembered, how to see and delete it, and that no is fine."""
    text = consent.notice("en").text

    assert "/persona" in text
    assert "delete" in text
    assert "I answer you either way" in text


# -- in the member's language -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "text", "expected"),
    [
        (None, "hello there", "en"),
        (None, "Kannst du mir bitte mit dem Build helfen?", "de"),
        (None, "", "en"),
        ("pt-BR", "hello there", "pt"),
        ("ja-JP", "hello there", "ja"),
        ("nl-NL", "Kannst du mir bitte helfen?", "de"),
        ("sv-SE", "hej", "en"),
    ],
)
async def test_the_notice_comes_in_the_members_language(
    store: SqliteStore, clock: StillClock, locale: str | None, text: str, expected: Language
) -> None:
    """What the platform says a member reads comes first, what they write next, and English where neither tells."""
    async with Desk.opened(store, clock, default="ask") as desk:
        if locale:
            desk.slack.locales[ANA.id] = locale
        await desk.says(ANA, text)
        await desk.says(ANA, "and again")

        assert desk.slack.slipped == [(room(), ANA, consent.notice(expected))]
