"""What is never kept, and what only looks like it."""

import pytest

from persona.sensitive import CATEGORIES, category
from tests.persona.statements import PRICE, SENSITIVE, WORK


def test_categories_are_those_promised() -> None:
    """Every category the design promises to refuse is screened for."""
    assert set(CATEGORIES) == {
        "health",
        "belief",
        "politics",
        "union",
        "origin",
        "sex life",
        "biometrics",
        "money troubles",
        "credentials",
        "minors",
        "crime",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("diagnosed with cancer", "health"),
        ("I get migraines", "health"),
        ("I have burn-out", "health"),
        ("I have burn out", "health"),
        ("three weeks of sick leave", "health"),
        ("going through chemotherapy", "health"),
        ("a devout Muslim", "belief"),
        ("raised as a Christian", "belief"),
        ("at the synagogue on Saturdays", "belief"),
        ("voting for the greens", "politics"),
        ("Labor Party", "politics"),
        ("Labour Party", "politics"),
        ("right-wing", "politics"),
        ("trade-union", "union"),
        ("we were on strike", "union"),
        ("my ethnicity", "origin"),
        ("of Polish descent", "origin"),
        ("seeking asylum", "origin"),
        ("I am bisexual", "sex life"),
        ("my sexuality", "sex life"),
        ("an iris scan", "biometrics"),
        ("debts everywhere", "money troubles"),
        ("I cant afford it", "money troubles"),
        ("my wage", "money troubles"),
        ("my passcode", "credentials"),
        ("my wifi's password is on the wall", "credentials"),
        ("the pin is 4711", "credentials"),
        ("my API-key", "credentials"),
        ("the AWS secret access key", "credentials"),
        ("my access token", "credentials"),
        ("the private key is in the vault", "credentials"),
        ("api_key=1", "credentials"),
        ("api-key: abc", "credentials"),
        ("password: hunter2", "credentials"),
        ("password:hunter2", "credentials"),
        ("PASSWORD = hunter2", "credentials"),
        ("passwd=hunter2", "credentials"),
        ("secret:hunter2", "credentials"),
        ("token=abc", "credentials"),
        ("xoxb-123456789012", "credentials"),
        ("ghp_abcdefgh12345678", "credentials"),
        ("4111111111111111", "credentials"),
        ("4111-1111-1111-1111", "credentials"),
        ("I am 9 years old", "minors"),
        ("aged 17 years old", "minors"),
        ("I'm 12 y/o", "minors"),
        ("my kids", "minors"),
        ("convicted", "crime"),
        ("on probation", "crime"),
    ],
)
def test_category(text: str, expected: str) -> None:
    """A text that touches a category is told by the name of the category."""
    assert category(text) == expected


@pytest.mark.parametrize("text", SENSITIVE)
def test_statement_about_oneself_is_seen(text: str) -> None:
    """Each plain statement about oneself that is never kept is seen to touch a category."""
    assert category(text) is not None


@pytest.mark.parametrize("text", [text for said in WORK for text in (said.text, said.value)])
def test_work_is_no_category(text: str) -> None:
    """What a member works on touches no category only because its topic is near one."""
    assert category(text) is None


@pytest.mark.parametrize("text", PRICE)
def test_price_of_a_coarse_screen(text: str) -> None:
    """Harmless statements that are known to be lost; whoever refines the screen moves them to those that pass."""
    assert category(text) is not None


@pytest.mark.parametrize(
    "text",
    ["MY PASSWORD", "My Password", "(my password)", "password:", "a/my password/b", "«my password»", "my-password"],
)
def test_case_and_punctuation_hide_nothing(text: str) -> None:
    """A word is found in any case and beside any sign."""
    assert category(text) == "credentials"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "I’m 15 years old",
            "I can’t afford it",
            "burn‑out",
            "left‐wing",
            "ｍｙ ｐａｓｓｗｏｒｄ",
            "my\u00a0\n password",
        ),
        *("diаbetes", "c a n c e r", "my pa55word", "a devout Müslim", "épilepsie", "depressi0n"),
    ],
)
def test_typography_hides_nothing(text: str) -> None:
    """Other signs and letters that look alike make no difference, nor do digits and gaps in a word."""
    assert category(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I am 18 years old",
        "I am 41 years old",
        "aged 115 years old",
        "a gateway in Essex",
        "reunion with the union types",
        "Churchill",
        "passwordless login",
        "password",
        "the passcode",
        "API-key",
        "a/password/b",
        "pin",
        "token",
        "a striking colour",
        "a debtor's ledger",
        "unindebted",
        "diabolical",
        "Democracy in America",
        "the Python Software Foundation",
        "call 555 0199",
        "room 4111",
        "2026-11-22 12:00:00",
        "fingerprints.dat",
        "my kiddo-free weekend",
        "christian@example",
        "sk-8 park",
    ],
)
def test_lookalike(text: str) -> None:
    """A harmless text that holds such a word only as a part of another is not refused."""
    assert category(text) is None
