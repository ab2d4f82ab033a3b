"""Which of our languages a member reads: as the platform says, or else as they write. Pure.

Simple on purpose: a script, or common words, and English where these say nothing. A wrong guess shows a member one
notice in a language they may not read, so a close race counts as not knowing.
"""

import re

from bot.wording import LANGUAGES, Language
from persona.canonical import comparable, typed

_KANA = re.compile(r"[\u3041-\u30ff]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[a-z\u00df-\u024f]+")

_WORDS: dict[Language, str] = {
    "en": "a an and are as at be but can did do does for from have hello hey how i i'm in is it me my no not of on"
    " or please thanks that the this to was we what when where which who why will with you your was",
    "de": "aber als am an auch auf aus bei bin bitte danke das dass dem den der des die du ein eine einen er es"
    " für habe hallo hast ich im in ist kann kannst mein meine mich mir mit nicht noch oder sie sind um und uns"
    " von wann war warum was wenn wer wie wir wo zu zum zur moin",
    "fr": "à au aux avec bonjour c ce ces cette comment d dans de des du elle en es est et faire il ils j je l la"
    " le les leur ma mais me mes moi mon n ne nous on ou où pas peux plus pour pourquoi qu quand que quel quelle qui"
    " s salut se sont sur suis t toi tu un une vous merci",
    "es": "a al buenos con cómo como cuál cuándo de del dónde donde el en es eres esta está este esto estoy gracias"
    " ha hay hola la las lo los me mi mis muy más no nos o para pero por porque puedes que qué quién se ser si soy"
    " su te tengo tu un una y yo ya",
    "pt": "a ao aos as bom boa com como da das de do dos e é ela ele em está estou eu isso isto já me meu minha"
    " muito na não nas no nos o obrigado obrigada oi olá onde os ou para pelo pela pode podes por porque qual"
    " quando que quem se sou sua seu também te tenho tu um uma você",
    "it": "a ai al alla anche c che chi ci ciao come con cosa da dal dalla dei del della delle di dove e è gli"
    " grazie ho i il in io l la le lo ma mi mia mio ne nel nella non o per perché più posso puoi quando quale quella"
    " quello questa questo se sei si sono su ti tu un una buongiorno",
}
"""Common words; one that several languages share stands in each of them, so that it decides nothing."""

_COMMON = {language: frozenset(words.split()) for language, words in _WORDS.items()}

MIN_WORDS = 2
"""Of one language's words there have to be as many; in a message of very few words one is enough."""
FEW_WORDS = 3


def of(*, locale: str | None, text: str) -> Language:
    """The language of a platform's locale, such as `pt-BR`, if it is ours; else that of a text; else English."""
    named = (locale or "").replace("_", "-").partition("-")[0].casefold()
    spoken = next((language for language in LANGUAGES if language == named), None)
    return spoken or _written(" ".join(typed(text))) or "en"


def _written(text: str) -> Language | None:
    """The language of what somebody typed, if it shows."""
    plain = comparable(text)
    if _KANA.search(plain):
        return "ja"
    words = _LATIN.findall(plain)
    if len(_HAN.findall(plain)) > len(words):
        return "zh"
    found = sorted(((sum(word in common for word in words), language) for language, common in _COMMON.items()))
    (second, _), (most, language) = found[-2:]
    needed = 1 if len(words) <= FEW_WORDS else MIN_WORDS
    return language if most >= needed and most > second else None
