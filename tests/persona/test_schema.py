"""Which fields a persona has, and what a wrong declaration is told."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.errors import PersonaError, SchemaError
from persona.schema import MAX_ITEMS, MAX_VALUE_CHARS, SHIPPED, Field, field_name, load, parse
from tests.persona.builders import steady

GOOD = {"type": "text", "description": "what they do"}
MANY_MISTAKES = """
title = "mine"

[demographics]
role = "text"

[personality.mood]
type = "scale"
max_chars = 161
max_items = 0
colour = "red"

[patterns.tools]
type = "list"
description = \"\"\"two
lines\"\"\"
style = true

[patterns.pace]
type = "choice"
description = "how fast"
style = "yes"

[preferences.tone]
type = "choice"
description = "how answers sound"
choices = ["Formal", "formal", ""]

[preferences.size]
type = "text"
description = "how long"
choices = ["short"]
max_chars = true
"""


def wrong(tables: dict[str, Any]) -> str:
    """What the one error about `tables` says."""
    with pytest.raises(SchemaError) as caught:
        parse(tables, name="mine", source="mine.toml")
    return str(caught.value)


@pytest.mark.parametrize("name", ["workplace", "paper"])
def test_shipped_schemas_load(name: str) -> None:
    """Both shipped schemas can be used as they are."""
    schema = load(name)

    assert schema.name == name
    assert schema.fields
    assert schema.sections == ("demographics", "personality", "patterns", "preferences")


def test_shipped_names() -> None:
    """The package ships exactly the two schemas its documentation names."""
    assert set(SHIPPED) == {"workplace", "paper"}


def test_default_is_workplace() -> None:
    """Who names no schema gets the one for workplaces."""
    assert load().name == "workplace"


def test_paper_has_18_leaf_fields() -> None:
    """The paper's schema has the 18 leaf fields of the paper, six, five, four and three to a section."""
    schema = load("paper")

    assert len(schema.fields) == 18
    assert [sum(field.section == section for field in schema.fields) for section in schema.sections] == [6, 5, 4, 3]


@pytest.mark.parametrize("inferred", ["age", "gender", "nationality", "religion", "mood", "emotion_pattern", "health"])
def test_workplace_has_no_place_for_what_colleagues_should_not_infer(inferred: str) -> None:
    """The default schema has no field for what nobody should infer at work."""
    assert inferred not in load("workplace").by_name


def test_style_fields_are_closed_lists() -> None:
    """Every style field of a shipped schema has choices, so that it cannot carry a secret into another room."""
    fields = [field for name in SHIPPED for field in load(name).fields if field.style]

    assert {field.name for field in fields} == {"language", "answer_length", "tone", "format"}
    assert all(field.choices for field in fields)


@pytest.mark.parametrize("name", ["workplace", "paper"])
def test_every_shipped_field_can_be_named_by_its_label(name: str) -> None:
    """What a member reads as a field's name is understood when they type it."""
    schema = load(name)

    assert [schema.by_name[field_name(field.label)] for field in schema.fields] == list(schema.fields)


@pytest.mark.parametrize(
    "words",
    [
        "preferred_name",
        "preferred name",
        "Preferred-Name",
        "  PREFERRED_NAME ",
        "preferred-name\n",
        "preferred \t name",
        "preferred - name",
        "preferred_name_",
    ],
)
def test_naming_a_field_forgives_spelling(words: str) -> None:
    """A field is found whatever the case, spaces and dashes in its name."""
    assert field_name(words) == "preferred_name"


@pytest.mark.parametrize("words", ["", " ", "_", "preferred", "preferredname", "__class__", "*", "назва"])
def test_naming_a_field_does_not_guess(words: str) -> None:
    """Words that name no field find none."""
    assert field_name(words) not in load().by_name


@steady
@given(words=st.text(st.sampled_from("aB_- \t\nß") | st.characters(exclude_categories=["Cs"]), max_size=12))
def test_name_of_a_field_is_final(words: str) -> None:
    """A name that was brought into its form stays as it is, so that it can be typed back."""
    assert field_name(field_name(words)) == field_name(words)


def test_by_name_holds_every_field() -> None:
    """Each field can be looked up by the name the optimizer uses."""
    schema = load()

    assert list(schema.by_name.values()) == list(schema.fields)
    assert all(name == field.name for name, field in schema.by_name.items())


def test_own_file_is_read_with_its_name(tmp_path: Path) -> None:
    """A schema of one's own is named after its file and keeps the order it was written in."""
    path = tmp_path / "clinic.toml"
    path.write_text(
        '[b.second]\ntype = "list"\ndescription = "two"\nchoices = ["x", "y"]\nmax_items = 3\nstyle = true\n'
        '[a.first]\ntype = "text"\ndescription = "one"\nmax_chars = 5\n',
        encoding="utf-8",
    )

    schema = load(str(path))

    assert schema.name == "clinic"
    assert schema.sections == ("b", "a")
    assert schema.fields == (
        Field(section="b", name="second", type="list", description="two", choices=("x", "y"), max_items=3, style=True),
        Field(section="a", name="first", type="text", description="one", max_chars=5),
    )


def test_unsaid_limits_have_defaults() -> None:
    """A field that sets no limits has those of the package."""
    field = parse({"a": {"x": GOOD}}, name="mine").fields[0]

    assert (field.max_chars, field.max_items) == (MAX_VALUE_CHARS, MAX_ITEMS)
    assert (field.choices, field.unit, field.life_days) == ((), "", None)
    assert not (field.style)
    assert not (field.observable)
    assert not (field.sensitive)
    assert not (field.is_list)


def test_same_declaration_gives_equal_schemas() -> None:
    """Two readings of one file are equal, and can stand for each other as keys."""
    assert load() == load()
    assert hash(load()) == hash(load())


def test_missing_file_is_named_with_what_ships() -> None:
    """A schema that is not there is named, together with those that are."""
    with pytest.raises(SchemaError, match=r"'nowhere\.toml'.*No such file.*paper, workplace"):
        load("nowhere.toml")


@pytest.mark.parametrize("source", ["", "."])
def test_folder_is_not_a_schema(source: str) -> None:
    """A folder in place of a file is an error of the schema."""
    with pytest.raises(SchemaError, match="directory"):
        load(source)


@pytest.mark.parametrize("content", [b"[a", b"\xff\xfe", b"a = 1\na = 2\n"], ids=["syntax", "encoding", "twice"])
def test_broken_toml_is_named(tmp_path: Path, content: bytes) -> None:
    """A file that is not TOML is named, with what is wrong in it."""
    path = tmp_path / "broken.toml"
    path.write_bytes(content)

    with pytest.raises(SchemaError, match=re.escape(str(path)) + ".* is not valid TOML: "):
        load(str(path))


def test_empty_schema_is_refused() -> None:
    """A schema without fields is not one."""
    assert "declares no field" in wrong({})
    assert "declares no field" in wrong({"demographics": {}})


def test_error_is_one_of_the_package() -> None:
    """Callers can catch every error of the package by one class."""
    assert issubclass(SchemaError, PersonaError)


def test_every_mistake_is_reported_at_once() -> None:
    """One run names every mistake of a file, each with the place it is at."""
    said = wrong(tomllib.loads(MANY_MISTAKES)).splitlines()

    assert said == [
        "'mine.toml' is not a persona schema:",
        "  [title.title]: a field is a table with at least type and description",
        "  [demographics.role]: a field is a table with at least type and description",
        (
            "  [personality.mood]: unknown key 'colour'; known: "
            "choices, description, life_days, max_chars, max_items, observable, sensitive, style, type, unit"
        ),
        "  [personality.mood]: description is missing",
        "  [personality.mood]: type is 'scale'; one of: text, list, choice, date, number",
        "  [personality.mood]: max_chars is 161; a whole number from 1 to 160",
        "  [personality.mood]: max_items is 0; a whole number from 1 to 40",
        "  [patterns.tools]: description must be one line of text",
        "  [patterns.tools]: style needs choices: a closed list cannot carry a secret into another room",
        "  [patterns.pace]: a choice needs choices",
        "  [patterns.pace]: style is true or false",
        "  [patterns.pace]: style needs choices: a closed list cannot carry a secret into another room",
        "  [preferences.tone]: choices must be a list of different texts, without odd spaces or characters",
        "  [preferences.size]: max_chars is True; a whole number from 1 to 160",
        "  [preferences.size]: only a choice or a list takes choices",
    ]


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"type": None}, "type is None"),
        ({"type": ["text"]}, "type is ['text']"),
        ({"type": "Text"}, "type is 'Text'"),
        ({"description": 7}, "description must be one line"),
        ({"description": "a\nb"}, "description must be one line"),
        ({"max_chars": 0}, "max_chars is 0"),
        ({"max_chars": -1}, "max_chars is -1"),
        ({"max_chars": "80"}, "max_chars is '80'"),
        ({"max_chars": 80.0}, "max_chars is 80.0"),
        ({"max_items": 41}, "max_items is 41"),
        ({"max_items": False}, "max_items is False"),
        ({"type": "list", "choices": "abc"}, "choices must be a list"),
        ({"type": "list", "choices": [1, 2]}, "choices must be a list"),
        ({"type": "list", "choices": ["x" * 161]}, "choices must be a list"),
        ({"type": "list", "choices": {"a": 1}}, "choices must be a list"),
        ({"type": "list", "choices": ["Straße", "STRASSE"]}, "choices must be a list of different"),
        ({"type": "choice", "choices": []}, "a choice needs choices"),
        ({"style": 1}, "style is true or false"),
        ({"style": True}, "style needs choices"),
        ({"observable": "yes"}, "observable is true or false"),
        ({"sensitive": 1}, "sensitive is true or false"),
        ({"unit": "EUR"}, "unit is a short text, for a number"),
        ({"type": "number", "unit": 7}, "unit is a short text, for a number"),
        ({"type": "number", "unit": "x" * 31}, "unit is a short text, for a number"),
        ({"type": "number", "unit": " EUR"}, "unit is a short text, for a number"),
        ({"type": "number", "choices": ["1", "2"]}, "only a choice or a list takes choices"),
        ({"type": "date", "choices": ["2026"]}, "only a choice or a list takes choices"),
        ({"type": ["choice"], "choices": ["a", "b"]}, "only a choice or a list takes choices"),
        ({"life_days": 0}, "life_days is 0"),
        ({"life_days": 36_501}, "life_days is 36501"),
        ({"life_days": "30"}, "life_days is '30'"),
        ({"life_days": True}, "life_days is True"),
    ],
)
def test_each_mistake_is_told_apart(change: dict[str, Any], mistake: str) -> None:
    """Whatever stands in place of a proper value, the mistake is named with its field."""
    said = wrong({"a": {"x": {**GOOD, **change}}})

    assert f"[a.x]: {mistake}" in said


@pytest.mark.parametrize(
    ("change", "name", "expected"),
    [
        ({"type": "number", "unit": "hours a week"}, "unit", "hours a week"),
        ({"type": "date"}, "type", "date"),
        ({"observable": True}, "observable", True),
        ({"sensitive": True}, "sensitive", True),
        ({"life_days": 36_500}, "life_days", 36_500),
    ],
)
def test_what_a_field_declares_is_read(change: dict[str, Any], name: str, expected: object) -> None:
    """Dates and amounts, what may be observed, what is never kept and how long a value is certain can be declared."""
    field = parse({"a": {"x": {**GOOD, **change}}}, name="mine").fields[0]

    assert getattr(field, name) == expected


def test_workplace_says_what_may_be_observed() -> None:
    """In the default schema only tools and the form of answers may be learned from how a member writes."""
    observable = [field.name for field in load().fields if field.observable]

    assert observable == ["tools", "language", "answer_length", "format"]


@pytest.mark.parametrize("entries", [[], "text", 3, None, [{"type": "text"}]])
def test_section_that_is_no_table(entries: object) -> None:
    """Something else in place of a section is a mistake, not a crash."""
    assert "a field is a table" in wrong({"demographics": entries})


def test_name_is_unique_over_sections() -> None:
    """Two fields of one name are a mistake that names both, since members and the optimizer use the name alone."""
    said = wrong({"a": {"x": GOOD}, "b": {"x": GOOD}})

    assert "[b.x]: the name is taken by [a.x]" in said


def test_taken_name_is_reported_beside_other_mistakes() -> None:
    """A name used twice is reported in the same run as the other mistakes of the two fields."""
    said = wrong({"a": {"x": {**GOOD, "max_chars": 0}}, "b": {"x": GOOD}})

    assert "[a.x]: max_chars" in said
    assert "[b.x]: the name is taken" in said


@pytest.mark.parametrize(
    "name",
    ["On-Call", "on call", "*", "", "Role", "_role", "1st", "rôle", "роль", "on-call", "role\n", "a.b", "x" * 62],
)
def test_name_that_no_member_could_type_is_a_mistake(name: str) -> None:
    """A schema whose field could never be named in chat is refused, and so is `*`, which stands for all fields."""
    assert f"[patterns.{name}]: a name is made of" in wrong({"patterns": {name: GOOD}})


@pytest.mark.parametrize("name", ["tail_", "two__lines"])
def test_name_that_is_not_found_by_itself_is_a_mistake(name: str) -> None:
    """A schema is refused whose field a member could not name by typing exactly its name."""
    assert f"[patterns.{name}]" in wrong({"patterns": {name: GOOD}})


@pytest.mark.parametrize("name", ["all", "everything"])
def test_name_that_stands_for_every_field_is_a_mistake(name: str) -> None:
    """A schema is refused whose field could not be forgotten without all the others."""
    assert f"[patterns.{name}]" in wrong({"patterns": {name: GOOD}})


@pytest.mark.parametrize("name", ["a", "on_call", "tier_2", "a1", "x" * 61])
def test_name_of_plain_letters_is_good(name: str) -> None:
    """A name of small letters, digits and underscores that begins with a letter can be typed as it is."""
    assert field_name(name) in parse({"patterns": {name: GOOD}}, name="mine").by_name


def test_taken_name_is_reported_however_often() -> None:
    """Each further field of a name is told which one has it, and a wrong name twice is told both mistakes."""
    said = wrong({"a": {"x": GOOD, "Y": GOOD}, "b": {"x": GOOD, "Y": GOOD}, "c": {"x": {}}})

    assert said.count("the name is taken by [a.x]") == 2
    assert "[b.Y]: a name is made of" in said
    assert "[b.Y]: the name is taken by [a.Y]" in said


@pytest.mark.parametrize(
    "choice", [" padded", "padded ", "two  spaces", "ﬁne", "two\nlines", "hid\u200bden", "Cafe\u0301", "\u202eevil"]
)
def test_choice_that_no_proposal_could_match_is_a_mistake(choice: str) -> None:
    """A choice that is not in the form values are brought into could never be learned, and is refused."""
    assert "choices" in wrong({"a": {"x": {"type": "choice", "description": "one", "choices": [choice, "other"]}}})
