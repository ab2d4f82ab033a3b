"""Which language a member reads: what the platform says, what they write, and English where neither shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import language
from bot.wording import LANGUAGES, Language

WRITTEN: list[tuple[Language, str]] = [
    ("en", "How do I rebase my branch onto main?"),
    ("en", "hello"),
    ("en", "Please summarise the incident from last night, no more than 3 bullets."),
    ("en", "do as I say, not as I do"),
    ("de", "Wie kann ich meinen Branch auf main rebasen?"),
    ("de", "Hallo!"),
    ("de", "Schreib mir bitte eine Zusammenfassung von dem Meeting"),
    ("de", "Ich arbeite seit März im Payments-Team und nutze meistens Go"),
    ("fr", "Comment est-ce que je peux rebaser ma branche sur main ?"),
    ("fr", "Bonjour"),
    ("fr", "J'habite à Lyon et je travaille dans l'équipe des paiements"),
    ("fr", "Résume-moi le ticket, c'est pour la réunion"),
    ("es", "¿Cómo puedo hacer rebase de mi rama sobre main?"),
    ("es", "Hola"),
    ("es", "Vivo en Madrid y trabajo en el equipo de pagos"),
    ("es", "Necesito un resumen del incidente para los jefes"),
    ("pt", "Como eu posso fazer rebase da minha branch?"),
    ("pt", "Olá!"),
    ("pt", "Eu moro em Lisboa e trabalho na equipe de pagamentos"),
    ("pt", "Você pode resumir isso para mim, por favor?"),
    ("it", "Come posso fare il rebase del mio branch?"),
    ("it", "Ciao"),
    ("it", "Abito a Torino e lavoro nel gruppo dei pagamenti"),
    ("it", "Mi puoi riassumere questo ticket per la riunione?"),
    ("ja", "mainにリベースするにはどうすればいいですか？"),
    ("ja", "こんにちは"),
    ("zh", "我怎么把分支变基到 main？"),
    ("zh", "你好"),
]


@pytest.mark.parametrize(("expected", "text"), WRITTEN)
def test_what_somebody_writes_shows_their_language(expected: Language, text: str) -> None:
    """Questions, greetings and statements, with a few words of the trade in them, are told apart."""
    assert language.of(locale=None, text=text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "42", "ok", "👍", "git rebase main", "SELECT * FROM t", "Привет, как дела?", "안녕하세요", "مرحبا", "Cześć!"],
)
def test_where_nothing_shows_it_is_english(text: str) -> None:
    """Too little, code, or a language that is not ours: English."""
    assert language.of(locale=None, text=text) == "en"


def test_what_is_quoted_or_code_shows_nothing() -> None:
    """A member who quotes somebody is not taken for them."""
    quoted = "> Ich arbeite seit März im Payments-Team\n```\nder die das\n```\nWhat does this mean?"

    assert language.of(locale=None, text=quoted) == "en"


@pytest.mark.parametrize("named", LANGUAGES)
@pytest.mark.parametrize("shape", ["{}", "{}-XX", "{}_XX", "{}-Hant-TW"])
def test_a_locale_wins(named: Language, shape: str) -> None:
    """What the platform says of a member comes before what they write."""
    assert language.of(locale=shape.format(named), text="Kannst du mir bitte helfen?") == named
    assert language.of(locale=shape.format(named).upper(), text="") == named


@pytest.mark.parametrize("locale", ["nl-NL", "ko", "", "-", "english", "x" * 100])
def test_a_locale_that_is_not_ours_says_nothing(locale: str) -> None:
    """Where we do not speak it, what the member writes decides."""
    assert language.of(locale=locale, text="Kannst du mir bitte helfen?") == "de"


@given(text=st.text(), locale=st.none() | st.text(max_size=8))
def test_anything_has_a_language(text: str, locale: str | None) -> None:
    """Whatever is written, the answer is one of ours."""
    assert language.of(locale=locale, text=text) in LANGUAGES
