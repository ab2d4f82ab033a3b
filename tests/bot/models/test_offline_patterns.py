"""Which sentences the offline model understands, and which it must leave alone."""

import string
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.models.offline_patterns import PATTERNS, Statement, statements
from bot.prompt import MAX_MESSAGE_CHARS
from persona.audience import MEMBER, Place
from persona.guard import Proposal, Quoted, check
from persona.operations import Op, Operation
from persona.persona import Evidence, Fact, FactId, MemberKey, Persona
from persona.schema import load
from persona.session import Line, Session
from tests.clock import NOON

SCHEMA = load()
ADA = MemberKey(tenant="terminal:local", id="ada")
quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Enough to find what breaks, and no clock: the machine may be busy."""

STATED: list[tuple[str, str, str, str, str]] = [
    # what is said, operation, field, value, quote
    ("I joined the Platform team.", "set", "team", "Platform", "I joined the Platform"),
    ("I've just joined the R&D team", "set", "team", "R&D", "I've just joined the R&D"),
    ("I have moved to the Data Science team", "set", "team", "Data Science", "I have moved to the Data Science"),
    ("I recently moved to the billing team.", "set", "team", "billing", "I recently moved to the billing"),
    ("I'm on the search team.", "set", "team", "search", "I'm on the search"),
    ("I am in the payments team", "set", "team", "payments", "I am in the payments"),
    ("I am currently on the iOS team", "set", "team", "iOS", "I am currently on the iOS"),
    ("I’m on the search team.", "set", "team", "search", "I’m on the search"),
    ("My time zone is CET", "set", "time_zone", "CET", "My time zone is CET"),
    ("My timezone is Europe/Berlin.", "set", "time_zone", "Europe/Berlin", "My timezone is Europe/Berlin"),
    ("FYI my time zone is UTC-3", "set", "time_zone", "UTC-3", "my time zone is UTC-3"),
    ("My time zone is UTC+5:30.", "set", "time_zone", "UTC+5:30", "My time zone is UTC+5:30"),
    ("Forget that I live in Lisbon", "remove", "location", "Lisbon", "Forget that I live in Lisbon"),
    ("please forget I use Vim!", "remove", "tools", "Vim", "please forget I use Vim"),
    ("Remember that I moved to Lisbon", "set", "location", "Lisbon", "I moved to Lisbon"),
    ("Please remember I live in Lisbon.", "set", "location", "Lisbon", "I live in Lisbon"),
    ("Hi! Don’t forget that I use Vim", "add", "tools", "Vim", "I use Vim"),
    ("I moved to Lisbon last month", "set", "location", "Lisbon", "I moved to Lisbon"),
    ("I moved to Lisbon in 2024.", "set", "location", "Lisbon", "I moved to Lisbon"),
    ("I moved to Lisbon in March 2024.", "set", "location", "Lisbon", "I moved to Lisbon"),
    ("I moved to Lisbon two weeks ago.", "set", "location", "Lisbon", "I moved to Lisbon"),
    ("I moved to Oslo yesterday.", "set", "location", "Oslo", "I moved to Oslo"),
    ("I moved to Oslo in May.", "set", "location", "Oslo", "I moved to Oslo"),
    ("I've relocated to Toronto.", "set", "location", "Toronto", "I've relocated to Toronto"),
    ("I just moved to New York City!", "set", "location", "New York City", "I just moved to New York City"),
    ("I live in Nairobi.", "set", "location", "Nairobi", "I live in Nairobi"),
    ("I now live in Porto, Portugal.", "set", "location", "Porto", "I now live in Porto"),
    ("I live in St. Louis.", "set", "location", "St. Louis", "I live in St. Louis"),
    ("I live in Oslo and work as a nurse.", "set", "location", "Oslo", "I live in Oslo"),
    ("I live in Berlin because of the music.", "set", "location", "Berlin", "I live in Berlin"),
    ("I live in Berlin, but I work in Potsdam.", "set", "location", "Berlin", "I live in Berlin"),
    ("I'm based in São Paulo", "set", "location", "São Paulo", "I'm based in São Paulo"),
    ("I’m based in Lisbon.", "set", "location", "Lisbon", "I’m based in Lisbon"),
    ("I am living in Köln at the moment", "set", "location", "Köln", "I am living in Köln"),
    ("I'm currently living in Cape Town", "set", "location", "Cape Town", "I'm currently living in Cape Town"),
    ("I AM BASED IN LIMA", "set", "location", "LIMA", "I AM BASED IN LIMA"),
    ("(I'm based in 東京)", "set", "location", "東京", "I'm based in 東京"),
    ("I no longer live in Berlin.", "remove", "location", "Berlin", "I no longer live in Berlin"),
    ("I don't live in Madrid any more", "remove", "location", "Madrid", "I don't live in Madrid"),
    ("I do not live in Rome anymore.", "remove", "location", "Rome", "I do not live in Rome"),
    ("I don’t live in Madrid.", "remove", "location", "Madrid", "I don’t live in Madrid"),
    ("Please call me Max.", "set", "preferred_name", "Max", "Please call me Max"),
    ("Call me Ishmael", "set", "preferred_name", "Ishmael", "Call me Ishmael"),
    ("call me al", "set", "preferred_name", "al", "call me al"),
    ("I go by Sam", "set", "preferred_name", "Sam", "I go by Sam"),
    ("My name is Zoë.", "set", "preferred_name", "Zoë", "My name is Zoë"),
    ("my name is O'Brien", "set", "preferred_name", "O'Brien", "my name is O'Brien"),
    ("Hi, my name is Lin and I need help with Excel.", "set", "preferred_name", "Lin", "my name is Lin"),
    ("I'm a nurse.", "set", "role", "nurse", "I'm a nurse"),
    ("I am a senior software engineer.", "set", "role", "senior software engineer", "I am a senior software engineer"),
    ("I'm the CTO of Acme", "set", "role", "CTO of Acme", "I'm the CTO of Acme"),
    (
        "I'm now an engineering manager at Initech",
        "set",
        "role",
        "engineering manager",
        "I'm now an engineering manager",
    ),
    ("I am actually a librarian", "set", "role", "librarian", "I am actually a librarian"),
    ("I'm a student", "set", "role", "student", "I'm a student"),
    ("I work as a data analyst.", "set", "role", "data analyst", "I work as a data analyst"),
    ("I work as an accountant now", "set", "role", "accountant", "I work as an accountant"),
    ("My pronouns are they/them.", "set", "pronouns", "they/them", "My pronouns are they/them"),
    ("my pronouns are she/her", "set", "pronouns", "she/her", "my pronouns are she/her"),
    ("I speak German.", "add", "languages", "German", "I speak German"),
    ("I speak German and live in Bonn.", "add", "languages", "German", "I speak German"),
    ("I prefer short answers.", "set", "answer_length", "short", "I prefer short answers"),
    ("I like brief replies", "set", "answer_length", "short", "I like brief replies"),
    ("I want short answers.", "set", "answer_length", "short", "I want short answers"),
    ("I need concise answers, please", "set", "answer_length", "short", "I need concise answers"),
    ("Please give me quicker answers", "set", "answer_length", "short", "Please give me quicker answers"),
    ("Keep your answers short.", "set", "answer_length", "short", "Keep your answers short"),
    ("give me detailed answers", "set", "answer_length", "long", "give me detailed answers"),
    ("I love thorough answers.", "set", "answer_length", "long", "I love thorough answers"),
    ("I prefer longer answers", "set", "answer_length", "long", "I prefer longer answers"),
    ("I prefer a formal tone.", "set", "tone", "formal", "I prefer a formal"),
    ("I like playful answers.", "set", "tone", "playful", "I like playful"),
    ("please use a neutral tone", "set", "tone", "neutral", "please use a neutral"),
    ("Keep a friendly tone, please.", "set", "tone", "friendly", "Keep a friendly"),
    ("I prefer answers with code", "add", "format", "code", "I prefer answers with code"),
    ("I prefer explanations with examples.", "add", "format", "examples", "I prefer explanations with examples"),
    ("I like bullet points.", "add", "format", "bullets", "I like bullet points"),
    ("Please use bullets", "add", "format", "bullets", "Please use bullets"),
    ("I prefer step-by-step instructions", "add", "format", "steps", "I prefer step-by-step"),
    ("Please use tables", "add", "format", "tables", "Please use tables"),
    ("Please answer in German.", "set", "language", "German", "Please answer in German"),
    ("reply in French", "set", "language", "French", "reply in French"),
    ("Talk to me in Italian, please", "set", "language", "Italian", "Talk to me in Italian"),
    ("I prefer answers in Dutch", "set", "language", "Dutch", "I prefer answers in Dutch"),
    ("Please write in Polish from now on", "set", "language", "Polish", "Please write in Polish"),
    ("I no longer use Vim.", "remove", "tools", "Vim", "I no longer use Vim"),
    ("I stopped using Jira", "remove", "tools", "Jira", "I stopped using Jira"),
    ("I don't use Slack anymore.", "remove", "tools", "Slack", "I don't use Slack"),
    ("I don’t use Windows.", "remove", "tools", "Windows", "I don’t use Windows"),
    ("I use Neovim.", "add", "tools", "Neovim", "I use Neovim"),
    ("I use Node.js.", "add", "tools", "Node.js", "I use Node.js"),
    ("I use Docker for work", "add", "tools", "Docker", "I use Docker"),
    ("I use Emacs every day.", "add", "tools", "Emacs", "I use Emacs"),
    ("I use Vim and love it.", "add", "tools", "Vim", "I use Vim"),
    ("I use VS Code, but my team prefers Emacs.", "add", "tools", "VS Code", "I use VS Code"),
    ("I just switched to Helix.", "add", "tools", "Helix", "I just switched to Helix"),
    ("I've switched to Linux recently", "add", "tools", "Linux", "I've switched to Linux"),
    ("I code in Elixir", "add", "tools", "Elixir", "I code in Elixir"),
    ("I program in C++.", "add", "tools", "C++", "I program in C++"),
    ("I write everything in Markdown", "add", "tools", "Markdown", "I write everything in Markdown"),
    (
        "I'm working on the billing rewrite.",
        "add",
        "projects",
        "the billing rewrite",
        "I'm working on the billing rewrite",
    ),
    ("I am learning Rust", "add", "projects", "Rust", "I am learning Rust"),
    ("I'm building a greenhouse", "add", "projects", "a greenhouse", "I'm building a greenhouse"),
    ("I'm writing a thesis on moss.", "add", "projects", "a thesis on moss", "I'm writing a thesis on moss"),
    ("I'm learning Portuguese these days", "add", "projects", "Portuguese", "I'm learning Portuguese"),
    ("I love hiking.", "add", "interests", "hiking", "I love hiking"),
    ("I really like jazz", "add", "interests", "jazz", "I really like jazz"),
    ("I enjoy board games!", "add", "interests", "board games", "I enjoy board games"),
    ("I'm into bouldering.", "add", "interests", "bouldering", "I'm into bouldering"),
    ("I love Tolkien, by the way.", "add", "interests", "Tolkien", "I love Tolkien"),
    ("I'm a vegetarian.", "add", "food", "vegetarian", "I'm a vegetarian"),
    ("I am vegan", "add", "food", "vegan", "I am vegan"),
    ("I'm now pescatarian", "add", "food", "pescatarian", "I'm now pescatarian"),
    ("I don't eat meat.", "add", "food", "don't eat meat", "I don't eat meat"),
    ("I don’t drink alcohol.", "add", "food", "don’t drink alcohol", "I don’t drink alcohol"),
    (
        "I never drink coffee after noon",
        "add",
        "food",
        "never drink coffee after noon",
        "I never drink coffee after noon",
    ),
    ("I start at 7 and finish at 3.", "add", "routines", "start at 7 and finish at 3", "I start at 7 and finish at 3"),
    ("I start at 9:30.", "add", "routines", "start at 9:30", "I start at 9:30"),
    ("I work from home on Fridays", "add", "routines", "work from home on Fridays", "I work from home on Fridays"),
    ("I finish work at six.", "add", "routines", "finish work at six", "I finish work at six"),
    ("I stop for lunch at noon", "add", "routines", "stop for lunch at noon", "I stop for lunch at noon"),
    (
        "I work until midnight most days",
        "add",
        "routines",
        "work until midnight most days",
        "I work until midnight most days",
    ),
]
"""Sentences that state one thing."""

SEVERAL: dict[str, list[tuple[str, str, str, str]]] = {
    "I speak French and English": [
        ("add", "languages", "French", "I speak French and English"),
        ("add", "languages", "English", "I speak French and English"),
    ],
    "I speak both Hindi and Urdu.": [
        ("add", "languages", "Hindi", "I speak both Hindi and Urdu"),
        ("add", "languages", "Urdu", "I speak both Hindi and Urdu"),
    ],
    "I speak Spanish, Catalan and English.": [
        ("add", "languages", "Spanish", "I speak Spanish, Catalan and English"),
        ("add", "languages", "Catalan", "I speak Spanish, Catalan and English"),
        ("add", "languages", "English", "I speak Spanish, Catalan and English"),
    ],
    "I use Python and Go": [
        ("add", "tools", "Python", "I use Python and Go"),
        ("add", "tools", "Go", "I use Python and Go"),
    ],
    "I use Python, Go and Rust.": [
        ("add", "tools", "Python", "I use Python, Go and Rust"),
        ("add", "tools", "Go", "I use Python, Go and Rust"),
        ("add", "tools", "Rust", "I use Python, Go and Rust"),
    ],
    "I like short answers with code.": [
        ("set", "answer_length", "short", "I like short answers"),
        ("add", "format", "code", "I like short answers with code"),
    ],
    "I live in Graz. I use Emacs.": [
        ("set", "location", "Graz", "I live in Graz"),
        ("add", "tools", "Emacs", "I use Emacs"),
    ],
    "I live in Graz and I use Emacs.": [
        ("set", "location", "Graz", "I live in Graz"),
        ("add", "tools", "Emacs", "I use Emacs"),
    ],
    "Hello!\nI'm a nurse\nI love jazz\nAnd you?": [
        ("set", "role", "nurse", "I'm a nurse"),
        ("add", "interests", "jazz", "I love jazz"),
    ],
    "Would you help me? I live in Graz.": [("set", "location", "Graz", "I live in Graz")],
    "I live in Graz. Is that far?": [("set", "location", "Graz", "I live in Graz")],
    "I moved to Oslo. I no longer live in Graz.": [
        ("set", "location", "Oslo", "I moved to Oslo"),
        ("remove", "location", "Graz", "I no longer live in Graz"),
    ],
}
"""What one message states, in order."""

NOT_STATED = [
    # questions, with and without their mark
    "Do I use tabs or spaces?",
    "Where do I live?",
    "Am I a developer?",
    "I live in Graz, right?",
    "how do I use Docker",
    "How can I use Python here",
    "should I use tables",
    "what happens when I use Docker",
    "why does it crash when I switched to Linux",
    "What is the capital of France?",
    "Could you call me Max?",
    # wishes and plans
    "I wish I lived in Rome.",
    "I want a vacation.",
    "I want to learn Rust.",
    "I would love a dog.",
    "I hope I'm on the search team soon",
    "I plan to move to Oslo.",
    "I'm thinking of moving to Oslo.",
    "I might be a manager soon.",
    "Next year I'm based in Oslo.",
    # what is supposed only
    "If I lived in Rome I would eat better.",
    "if I use Vim it breaks",
    "Imagine I am a designer.",
    "Pretend I'm a teacher.",
    "Suppose I work as a nurse.",
    "Let's say I live in Rome.",
    "Assume I live in Rome.",
    "Write as though I am a lawyer.",
    "Maybe I live in a simulation.",
    "Perhaps I use Vim too much.",
    "I'm not sure I use that.",
    # asked to be remembered by somebody else, or of nothing that was stated
    "Forget it, I do not live in Rome or so I think?",
    "Forget that I no longer use Vim.",
    "Forget that Ada lives in Rome.",
    "Remember when I lived in Rome?",
    "Do you remember that I live in Rome?",
    "I remember that I use Vim.",
    "Remember that Ada lives in Rome.",
    # what was
    "I used to live in Oslo.",
    "I was a teacher.",
    "I lived in Rome.",
    # other people
    "Ada lives in Lisbon.",
    "She is a nurse.",
    "He uses Vim.",
    "My brother speaks French.",
    "My wife is a vegetarian.",
    "We moved to Lisbon.",
    "You are a developer.",
    "Ada is on the search team.",
    "The customer wants short answers.",
    "I am a friend of the CEO.",
    "I am the wife of a teacher.",
    "I'm a big fan of the designer.",
    "My boss says I am a good engineer.",
    "Ada said I live in Oslo.",
    "Ada told me I am a bad engineer.",
    "Ada and I work as a team.",
    # what is denied or declined
    "I am not a developer.",
    "I'm not based in Berlin.",
    "I don't love meetings.",
    "It is not true that I live in Rome.",
    "My name is not Bob.",
    "My time zone is not CET.",
    "Don't call me Bob.",
    "Please do not call me Max.",
    "Don't give me long answers.",
    "Please don't answer in German.",
    "Never reply in English.",
    "Please don't use tables.",
    "I don't like bullet points.",
    # what is quoted or pasted
    '"I live in Paris," she wrote.',
    "'I live in Paris' is the first line.",
    "The song goes “I am a designer of dreams”.",
    'The page "I use Vim" is gone.',
    "> I live in Paris",
    "```\nI live in Paris\n```",
    "Translate this: `I live in Paris`",
    # moving, without living anywhere
    "I moved to the back of the room.",
    "I moved to the next question.",
    "I just moved to step 3.",
    "I have moved to a new desk.",
    "I live in my terminal.",
    "I live in fear of the next deploy.",
    "I'm living in the past.",
    "I don't live in fear.",
    # calling and names, without a name
    "call me when you are done",
    "Call me later.",
    "You can call me on my mobile.",
    "Bob keeps trying to call me today.",
    "I go by what the docs say.",
    "I go by the book.",
    "My name is on the list.",
    "My name is missing from the invite.",
    "My pronouns are nobody's business.",
    "My time zone is irrelevant here.",
    # teams and roles, without either
    "I'm on the phone with the sales team.",
    "I joined the call with the design team.",
    "I am in the same team as you.",
    "I'm on the winning team, ha.",
    "I'm an hour behind the lead.",
    "I'm a developer's nightmare.",
    "I'm a bit of a manager today.",
    "I am the problem.",
    # speaking, without a language
    "I speak for the whole team.",
    "I speak too fast.",
    "I speak only when asked.",
    "I speak from experience.",
    # using, without a tool
    "I use it.",
    "I use this daily.",
    "I use them a lot.",
    "I use the wrong word sometimes.",
    "I use the same example in all three tests.",
    "I use up all my tokens.",
    "I switched to plan B.",
    "I switched to the other tab.",
    "I stopped using it.",
    "I don't use that word lightly.",
    # working, without a project
    "I'm working on it.",
    "I'm working on it right now.",
    "I'm working on Monday.",
    "I'm writing to you because the build is red.",
    "I'm writing this in a hurry.",
    "I'm writing on behalf of Ada.",
    "I'm learning a lot from you.",
    "I'm building up courage.",
    "I stop at nothing.",
    "I start on the wrong foot.",
    # liking, without an interest
    "I love it",
    "I love you.",
    "I love this idea.",
    "I love your answer!",
    "I love that we shipped it.",
    "I love how that turned out.",
    "I really like the second option.",
    "I'm into it.",
    "I'm into the third chapter.",
    "I don't eat my words.",
    # one task, not a preference
    "Give me a short answer to this one.",
    "Please use a formal tone in this email.",
    "I need an overview with examples for this page.",
    "Give me a list of the tables in the database.",
    "I need two tables for the party.",
    "Please reply in the thread.",
    "Please answer in detail.",
    "Talk to me in private.",
    "Write in bold.",
    # nothing at all
    "",
    " \n\t",
    "Hello!",
    "Thanks, that works.",
    "I'm in.",
    "I'm done.",
    "I",
    "i live in",
    "I live in .",
    "call me",
    "My name is 7.",
    "hawaii live in color",
]
"""Sentences that state nothing about whoever writes them that will still help next week."""


def found(text: str) -> list[tuple[str, str, str, str]]:
    return [(said.op, said.field, said.value, said.quote) for said in statements(text)]


@pytest.mark.parametrize(("text", "op", "field", "value", "quote"), STATED, ids=[row[0] for row in STATED])
def test_a_plain_self_statement_is_understood(*, text: str, op: str, field: str, value: str, quote: str) -> None:
    """What a member plainly says of themself is found once, with its value and the words that say it."""
    assert found(text) == [(op, field, value, quote)]


@pytest.mark.parametrize(("text", "said"), SEVERAL.items(), ids=SEVERAL.keys())
def test_a_message_may_state_several_things(text: str, said: list[tuple[str, str, str, str]]) -> None:
    """Each thing a message states is found, in the order of the sentences."""
    assert found(text) == said


@pytest.mark.parametrize("text", NOT_STATED)
def test_what_is_no_self_statement_yields_nothing(text: str) -> None:
    """Questions, wishes, suppositions, other people, denials, quotes, jokes and single tasks are left alone."""
    assert found(text) == []


@pytest.mark.parametrize("text", ["I work at Google.", "I work on billing.", "I work on the mobile app."])
def test_where_one_works_is_no_routine(text: str) -> None:
    """An employer or a project is not a habit, whatever else it may be taken for."""
    assert [said for said in statements(text) if said.field == "routines"] == []


@pytest.mark.parametrize("text", ["call me al", "call me ma", "my name is na", "I live in li"])
def test_the_quote_is_the_statement_even_if_its_value_stands_earlier_too(text: str) -> None:
    """A quote goes from where the statement begins to where its value ends, though the same letters come before."""
    assert [said.quote for said in statements(text)] == [text]


# -- the guard --------------------------------------------------------------------------------------------------------


def known(said: Statement) -> Fact:
    """The fact that `said` speaks of, as Ada's persona holds it."""
    return Fact(
        id=FactId("f1"),
        section=SCHEMA.by_name[said.field].section,
        field=said.field,
        value=said.value,
        audience=MEMBER,
        evidence=(Evidence(tenant=ADA.tenant, room="r", message="m0", quote=said.value, said_at=NOON),),
        confirmed_at=NOON,
        valid_from=NOON,
    )


@pytest.mark.parametrize("text", [*(row[0] for row in STATED), *SEVERAL])
def test_the_guard_lets_through_what_is_found(text: str) -> None:
    """Everything found in a plain statement passes the guard as it is, on the default schema."""
    line = Line(message="m1", speaker=ADA, text=text, said_at=NOON)
    place = Place(tenant=ADA.tenant, room="r", kind="direct")

    for said in statements(text):
        persona = Persona(member=ADA, at=NOON, facts=(known(said),))
        session = Session(room="r", place=place, lines=(line,), personas={ADA: persona})
        quoted = Quoted(session=session, line=line, words=said.quote)
        proposal = Proposal(op=said.op, field=said.field, value=said.value, quoted=(quoted,))

        kept = check(proposal, schema=SCHEMA, fences={})

        assert isinstance(kept, Operation), kept
        assert (kept.op, kept.field, kept.value) == (said.op, said.field, said.value)


# -- properties -------------------------------------------------------------------------------------------------------

_PARTS = sorted(
    {part for row in STATED for part in row[0].split()} | {part for text in NOT_STATED for part in text.split()}
)
sentences = st.lists(st.sampled_from([*_PARTS, ".", ",", "?", "\n", "and", ";", '"', "’"]), max_size=14).map(" ".join)
any_text = st.one_of(st.text(), sentences, st.text(alphabet=string.punctuation + string.whitespace + "aiI'’"))


@quick
@given(text=any_text)
def test_any_text_can_be_read(text: str) -> None:
    """No text raises, and whatever is found stands in it, in a field of the default schema."""
    for said in statements(text):
        assert said.quote in text
        assert said.quote.strip()
        assert said.op in get_args(Op)
        assert said.field in SCHEMA.by_name


@quick
@given(text=any_text)
def test_every_value_is_quoted_or_a_choice(text: str) -> None:
    """A value consists of the member's own words, or is one of the choices of its field; it is never empty."""
    for said in statements(text):
        assert said.value.strip() == said.value != ""
        assert said.value in said.quote or said.value in SCHEMA.by_name[said.field].choices


@quick
@given(text=any_text)
def test_reading_twice_finds_the_same(text: str) -> None:
    """The same text states the same things."""
    assert statements(text) == statements(text)


@quick
@given(rows=st.lists(st.sampled_from(sorted(SEVERAL)), min_size=2, max_size=4))
def test_lines_are_read_one_by_one(rows: list[str]) -> None:
    """A line states what it states alone, whatever stands above and below it."""
    assert statements("\n".join(rows)) == [said for row in rows for said in statements(row)]


@pytest.mark.parametrize("start", ["", "Is it? ", "If so, ", "?"])
@quick
@given(end=st.text(alphabet=string.ascii_letters + " '"))
def test_a_question_mark_silences_its_sentence(start: str, end: str) -> None:
    """Nothing before a question mark is a statement, as far as its sentence goes."""
    sentence = f"I live in Graz {end}?"

    assert [said for said in statements(start + sentence) if said.field == "location"] == []


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "unit",
    [
        "give me answers ",
        "I work ",
        "I joined the ",
        "I'm a ",
        "I use a, ",
        "I speak a and ",
        "\n",
        ".",
        "i ",
    ],
)
def test_the_longest_message_is_read_in_no_time(unit: str) -> None:
    """No message of the size we accept keeps the process from answering everybody else."""
    text = (unit * MAX_MESSAGE_CHARS)[:MAX_MESSAGE_CHARS]

    assert isinstance(statements(text), list)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("filling", [" ", "\t", "\u00a0", ",", "a", "-", "and "])
def test_a_long_value_is_read_in_no_time(filling: str) -> None:
    """A value of any size, however it is filled, is trimmed at once."""
    text = f"I use x{filling * ((MAX_MESSAGE_CHARS - 8) // len(filling))}x"

    assert all(isinstance(said, Statement) for said in statements(text))


# -- the table itself -------------------------------------------------------------------------------------------------


def test_every_pattern_is_of_the_default_schema() -> None:
    """A pattern names a field there is, and a fixed value that its field allows."""
    for pattern in PATTERNS:
        field = SCHEMA.by_name[pattern.field]
        assert pattern.value is None or pattern.value in field.choices
        assert pattern.op in {"add" if field.is_list else "set", "remove"}


def test_every_pattern_has_its_sentence() -> None:
    """Each pattern is shown at work by a sentence of the tables above."""
    texts = [row[0] for row in STATED] + list(SEVERAL)

    idle = [pattern.regex.pattern for pattern in PATTERNS if not any(pattern.regex.search(text) for text in texts)]

    assert idle == []
