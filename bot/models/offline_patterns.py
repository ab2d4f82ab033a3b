"""Plain English self-statements and the operations they mean: all the offline model understands.

A statement is a whole clause that begins with it: "I live in Rome", and not "it is not true that I live in Rome".
Precision counts, not coverage. What is quoted, asked, wished or supposed matches nothing, and a value that could as
well be a figure of speech is left alone.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bot.models import offline_words as words
from persona.operations import Op

MAX_SENTENCE_CHARS = 300
"""Nobody states a plain thing in more; what is longer is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One way to say one thing about oneself."""

    op: Op
    field: str
    regex: re.Pattern[str]
    value: str | None = None
    """The value it always means; None if the match holds it in the group `value`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a clause was found to say."""

    op: Op
    field: str
    value: str
    quote: str
    """The words, as they stand in the message."""


def _says(op: Op, field: str, said: str, value: str | None = None) -> Pattern:
    return Pattern(op=op, field=field, regex=re.compile(said, re.IGNORECASE), value=value)


_I = r"i(?: have|'ve)?(?: just| recently| now| actually)?"
_IM = r"i(?:'m| am)(?: now| currently| actually)?"
_LIKE = r"(?:please )?(?:i (?:prefer|like|want|love|need)|use|give me|always use)(?: always)?"
_ANSWERS = r"(?:answers|replies|explanations)"
_TONES = "formal|friendly|direct|playful|encouraging|neutral"
_REST = r" (?P<value>\S.*)"

PATTERNS = (
    _says("set", "team", rf"{_I} (?:joined|moved to) the (?P<value>[\w&-]+(?: [\w&-]+){{0,2}}) team"),
    _says("set", "team", rf"{_IM} (?:on|in) the (?P<value>[\w&-]+(?: [\w&-]+){{0,2}}) team"),
    _says("set", "time_zone", rf"my time ?zone is{_REST}"),
    _says("set", "location", rf"{_I} (?:re)?(?:moved|located) to{_REST}"),
    _says("set", "location", rf"(?:{_I} live|{_IM} (?:based|living)) in{_REST}"),
    _says("remove", "location", rf"i (?:no longer|don't|do not) live in{_REST}"),
    _says("set", "preferred_name", rf"(?:please )?(?:call me|i go by){_REST}"),
    _says("set", "preferred_name", rf"my name is{_REST}"),
    _says("set", "role", rf"{_IM} (?:an?|the) (?P<value>(?:[\w-]+ ){{0,3}}(?:{words.JOBS})\b(?!')(?: of [\w]+)?)"),
    _says("set", "role", rf"{_I} work as an?{_REST}"),
    _says("set", "pronouns", r"my pronouns are (?P<value>she/her|he/him|they/them)"),
    _says("add", "languages", rf"i speak(?: both)?{_REST}"),
    _says("set", "answer_length", rf"{_LIKE} (?:short|brief|concise|quick)(?:er)? {_ANSWERS}", "short"),
    _says("set", "answer_length", r"(?:please )?keep (?:your )?(?:answers|replies) (?:short|brief)", "short"),
    _says("set", "answer_length", rf"{_LIKE} (?:long|detailed|thorough)(?:er)? {_ANSWERS}", "long"),
    _says("set", "tone", rf"(?:{_LIKE}|(?:please )?keep) an? (?P<value>{_TONES}) tone"),
    _says("set", "tone", rf"{_LIKE} (?P<value>{_TONES}) {_ANSWERS}"),
    _says("add", "format", rf"{_LIKE} (?:\w+ )?{_ANSWERS} with code", "code"),
    _says("add", "format", rf"{_LIKE} (?:\w+ )?{_ANSWERS} with examples", "examples"),
    _says("add", "format", rf"{_LIKE} (?:{_ANSWERS} (?:in|with|as) )?bullet(?:s| ?points)", "bullets"),
    _says("add", "format", rf"{_LIKE} step[ -]by[ -]step", "steps"),
    _says("add", "format", rf"{_LIKE} (?:{_ANSWERS} (?:in|with|as) )?tables", "tables"),
    _says("set", "language", rf"(?:please )?(?:answer|reply|write|talk)(?: to)?(?: me)? in{_REST}"),
    _says("set", "language", rf"{_LIKE} {_ANSWERS} in{_REST}"),
    _says("remove", "tools", rf"i (?:(?:no longer|don't|do not) use|stopped using){_REST}"),
    _says("add", "tools", rf"{_I} (?:use|switched to|code in|program in|write everything in){_REST}"),
    _says("add", "projects", rf"{_IM} (?:working on|learning|building|writing){_REST}"),
    _says("add", "interests", rf"i (?:love|enjoy|really like){_REST}"),
    _says("add", "interests", rf"{_IM} into{_REST}"),
    _says("add", "food", rf"{_IM} (?:an? )?(?P<value>vegetarian|vegan|pescatarian)\b"),
    _says("add", "food", r"i (?P<value>(?:don't|do not|never) (?:eat|drink) \S.*)"),
    _says("add", "routines", r"i (?P<value>(?:start|stop|finish|work)\b.* (?:at|on|from|until) \S.*)"),
)


def statements(text: str) -> list[Statement]:
    """What a member says about themself in `text`, sentence by sentence."""
    readable = words.QUOTED.sub(lambda quoted: " " * len(quoted[0]), text.replace("’", "'"))
    found: list[Statement] = []
    for begin, end in _sentences(readable):
        if end - begin <= MAX_SENTENCE_CHARS and not words.HEDGED.search(readable[begin:end]):
            for clause in _clauses(readable, begin, end):
                found += _in_clause(text, readable, *clause)
    return found


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for found in words.SENTENCE_END.finditer(text):
        yield begin, found.start()
        begin = found.end()
    yield begin, len(text)


def _clauses(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each clause of a sentence begins, its introduction left out, and ends."""
    for found in [*words.CLAUSE_END.finditer(text, begin, end), None]:
        stop = found.start() if found else end
        if found and found[0].lstrip().lower().startswith("and") and len(text[begin:stop].split()) <= 2:
            continue  # "Ada and I": who acts here is not one member
        intro = words.INTRO.match(text, begin, stop)
        yield intro.end() if intro else begin, stop
        begin = found.end() if found else end


def _in_clause(text: str, readable: str, begin: int, end: int) -> Iterator[Statement]:
    """What a clause states; after "forget that" it ends what it states."""
    asked = words.FORGET.match(readable, begin, end)
    if asked is None:
        yield from _stated(text, readable, begin, end)
        return
    for statement in _stated(text, readable, asked.end(), end):
        if statement.op != "remove":
            yield replace(statement, op="remove", quote=f"{text[begin : asked.end()]}{statement.quote}")


def _stated(text: str, readable: str, begin: int, end: int) -> Iterator[Statement]:
    clause, is_choice = readable[begin:end], False
    for pattern in PATTERNS:
        match = pattern.regex.match(clause)
        if match is None or (is_choice and pattern.value is None):
            continue
        if pattern.value is not None:
            yield Statement(
                op=pattern.op, field=pattern.field, value=pattern.value, quote=text[begin : begin + match.end()]
            )
            is_choice = True
            continue
        at, rest = match.start("value"), clause[match.end() :]
        values = list(_VALUES.get(pattern.field, _phrase)(match["value"], rest))
        stop = begin + at + (values[-1][0] + len(values[-1][1]) if values else 0)
        for offset, value in values:
            said = text[begin + at + offset : begin + at + offset + len(value)]
            yield Statement(op=pattern.op, field=pattern.field, value=said, quote=text[begin:stop])
        if values:
            return


# -- values: (where it begins, the value) for each, or nothing if what stands there is none ---------------------------

Values = Iterator[tuple[int, str]]


def _trimmed(value: str) -> str:
    value = value.rstrip(" .!,'\"")
    while (shorter := words.TRAILING.sub("", value)) != value:
        value = shorter.rstrip(" .!,'\"")
    return value


def _begins_well(value: str) -> bool:
    first = value.split(" ", maxsplit=1)[0].strip(",.").casefold() if value else ""
    return bool(first) and first not in words.NO_VALUE


def _phrase(value: str, _rest: str) -> Values:
    """Any words, as long as they do not begin like a figure of speech."""
    value = _trimmed(value.split(", ", maxsplit=1)[0])
    if _begins_well(value):
        yield 0, value


def _place(value: str, _rest: str) -> Values:
    value = _trimmed(re.split(r", | and (?=[a-z])", value)[0])
    is_named = value.startswith("the ") and value[4:5].isupper()
    if (_begins_well(value) or is_named) and not any(char.isdigit() for char in value):
        yield 0, value


def _name(value: str, _rest: str) -> Values:
    value = _trimmed(value.split(", ", maxsplit=1)[0])
    is_word = all(part.replace("'", "").replace("-", "").isalpha() for part in value.split(" "))
    is_short = " " not in value or (value.istitle() and value.count(" ") == 1)
    if _begins_well(value) and is_word and is_short:
        yield 0, value


def _team(value: str, rest: str) -> Values:
    if _begins_well(value) and not _trimmed(rest):
        yield 0, value


def _role(value: str, _rest: str) -> Values:
    value = _trimmed(value.split(", ", maxsplit=1)[0])
    if _begins_well(value) and not {"of", "a", "to", "behind", "with", "for"} & set(value.split()[:-2]):
        yield 0, value


def _time_zone(value: str, _rest: str) -> Values:
    value = _trimmed(value)
    if value and words.TIME_ZONE.fullmatch(value):
        yield 0, value


def _listed(value: str, is_one: Callable[[str], bool]) -> Values:
    """The items of a list, up to the first that is none."""
    offset = 0
    for item in re.split(r"(, and |, | and )", value):
        if item not in {", and ", ", ", " and "}:
            trimmed = _trimmed(item)
            if not is_one(trimmed):
                return
            yield offset, trimmed
            if trimmed != item.rstrip(" .!"):
                return
        offset += len(item)


def _languages(value: str, _rest: str) -> Values:
    return _listed(value, lambda item: item.casefold() in words.LANGUAGES)


def _language(value: str, _rest: str) -> Values:
    value = _trimmed(value.split(", ", maxsplit=1)[0])
    if value.casefold() in words.LANGUAGES:
        yield 0, value


def _tools(value: str, _rest: str) -> Values:
    def is_tool(item: str) -> bool:
        return _begins_well(item) and (item[0].isupper() or item.casefold() in words.LOWERCASE_TOOLS)

    return _listed(value, is_tool)


def _project(value: str, _rest: str) -> Values:
    value = _trimmed(value)
    first = value.split(" ")[0].casefold()
    is_thing = first in {"a", "an", "the", "my", "our"} and not value.casefold().startswith(("a lot", "a bit"))
    if (is_thing or _begins_well(value)) and not words.DAY.match(value) and first not in {"behalf", "courage"}:
        yield 0, value


def _diet(value: str, _rest: str) -> Values:
    value = _trimmed(value)
    eaten = value.partition("eat ")[2] or value.partition("drink ")[2] or value
    if _begins_well(eaten):
        yield 0, value


def _routine(value: str, _rest: str) -> Values:
    value = _trimmed(value)
    if words.TIME_WORD.search(value):
        yield 0, value


_VALUES: dict[str, Callable[[str, str], Values]] = {
    "location": _place,
    "preferred_name": _name,
    "team": _team,
    "role": _role,
    "time_zone": _time_zone,
    "languages": _languages,
    "language": _language,
    "tools": _tools,
    "projects": _project,
    "food": _diet,
    "routines": _routine,
}
