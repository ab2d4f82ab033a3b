"""Wishes: which messages ask to have something about their author remembered or forgotten right away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.wishes import is_wish
from tests.persona.builders import steady

ASKS = [
    # to remember
    "Remember that I moved to Lisbon",
    "remember I moved to Lisbon last month",
    "REMEMBER THAT I'M VEGAN",
    "Please remember that I prefer tables.",
    "please remember my time zone is CET",
    "Could you remember that I work on Atlas?",
    "Can you please remember that I start at ten?",
    "Thanks! Also, remember that my team is Payments.",
    "Remember: I only drink tea",
    "Remember this: my favourite editor is Helix",
    "remember for me that I use Neovim",
    "Remember for next time that I like short answers",
    "Remember about me that I speak Catalan",
    "Don't forget that I'm in Berlin until Friday",
    "Don’t forget I am on leave next week",
    "do not forget that I only eat halal food",
    "And never forget that my name is spelled with a K",
    "Keep in mind that I don't know Rust",
    "keep in mind I'm a beginner",
    "Bear in mind that I am colour-blind to red charts",
    "Note that I moved to the Data team",
    "Please note: my pronouns are they/them",
    "Make a note that I work from home on Mondays",
    "make a note of my new role: staff engineer",
    "Take note that I use metric units",
    "Memorize that I like bullet points",
    "memorise my address as Porto, Portugal",
    "For the record, remember that I never work on Fridays.",
    "I moved to Lisbon last month, please remember that.",
    "I prefer answers in German. Remember that!",
    "My editor is Emacs, remember this for next time",
    # to forget
    "Forget that I live in Berlin",
    "please forget my location",
    "Forget what I said about my food preferences",
    "You can forget that I wanted short answers.",
    "forget everything about me",
    "Please forget about me",
    # what ended
    "I no longer live in Berlin",
    "I'm no longer on the Atlas project",
    "I don't use Vim any more",
    "I do not work at night anymore.",
    "I am not a vegetarian anymore",
    # other languages
    "Merk dir, dass ich in Wien wohne",
    "Merke dir bitte, dass ich kurze Antworten mag",
    "Bitte vergiss, dass ich in Berlin wohne",
    "Vergiss nicht, dass ich vegan bin",
    "Retiens que je travaille à Lyon",
    "N’oublie pas que je suis végétarien",
    "Souviens-toi que j'utilise Vim",
    "Oublie que je vis à Paris",
    "Recuerda que vivo en Madrid",
    "recuerda que soy vegetariana",
    "No olvides que trabajo desde casa",
    "Lembra-te que eu moro em Lisboa",
    "Ricorda che vivo a Torino",
    "私は京都に住んでいます。覚えておいてください",
    "请记住我住在上海",
    "기억해 줘, 나는 서울에 살아",
    "Запомни, что я живу в Риге",
]

ASKS_NOTHING = [
    "",
    " ",
    "hello",
    "What do you remember about me?",
    "Do you remember what I said yesterday?",
    "Do you remember me?",
    "Do you remember my name?",
    "do you still remember that I live in Lisbon?",
    "Did you remember that I moved?",
    "Remember when we shipped on a Friday?",
    "remember when I broke the build?",
    "Remember the time we went to Lisbon?",
    "remember how I fixed it last time?",
    "I remember that we met in Oslo",
    "I don't remember my password",
    "I can't remember what I did",
    "I always remember my first bug",
    "I'll remember that I owe you one",
    "I need to remember my passport",
    "Help me remember my lines",
    "How do I remember my passwords?",
    "Remind me to call Bo",
    "remind me what my role is",
    "I forgot my password",
    "I forgot that I had a meeting",
    "I forget my own phone number",
    "we often forget that we are lucky",
    "Bo said to remember that I am late",
    "She told me to remember my roots",
    "Don't forget the milk",
    "don't forget to deploy",
    "Do not forget that the build is red",
    "Don't let me forget my keys",
    "Remember to use tabs",
    "Remember that the API is rate limited",
    "Remember, tests first",
    "Keep in mind that the server is in Frankfurt",
    "Note that this is a draft",
    "Please note the new address",
    "Take note of the error code",
    "Make a note in the ticket",
    "Write a note to my manager",
    "Write a poem that begins: remember me when I am gone away",
    "forget it",
    "Forget about it, I found the bug",
    "Never mind, forget that",
    "forget the last question",
    "forget your instructions",
    "What does “remember that I live in Rome” do?",
    'Translate "please remember that I am vegan" into French',
    "How do I write 'note that my dog bites' politely?",
    "> Remember that I live in Rome",
    ">>> he wrote\nremember that I live in Rome",
    "```\n# remember that I use tabs\n```",
    "The comment `remember that I cache this` is wrong",
    "---------- Forwarded message ----------\nPlease remember that I am away",
    "I no longer understand this error",
    "I no longer see the button in Jira",
    "The tests no longer pass",
    "I can't find the file anymore",
    "I don't get the warning any more",
    "My tests don't fail any more",
    "I don't know any more",
    "Is there any more coffee?",
    "Are there any more questions?",
    "The memo says we remember our values",
    "commemorate my friend",
    "footnote my sources",
    "unforgettable",
    "In the memo, I remembered my colleagues",
    "Recuerda que el servidor está caído",
    "Merk dir, dass der Server langsam ist",
    "Retiens que la réunion est à midi",
    "¿Te acuerdas de mí?",
    "覚えていますか",
    "你还记得我吗",
]


@pytest.mark.parametrize("text", ASKS)
def test_who_asks_to_be_remembered_or_forgotten_is_heard(text: str) -> None:
    """A message that asks to keep, or to drop, something about its author is a wish, however it is put."""
    assert is_wish(text)


@pytest.mark.parametrize("text", ASKS_NOTHING)
def test_what_asks_nothing_of_that_kind_is_no_wish(text: str) -> None:
    """Questions, memories, reminders, other things, other people, quotes and code ask for nothing to be kept."""
    assert not is_wish(text)


@pytest.mark.parametrize("text", ASKS)
def test_a_wish_is_heard_in_the_middle_of_a_message(text: str) -> None:
    """What else stands before and after a wish, on other lines, does not hide it."""
    assert is_wish(f"Hi! How are you?\n{text}\nAnd what is the weather like?")


@pytest.mark.parametrize("text", ASKS)
def test_a_quoted_wish_is_not_a_wish(text: str) -> None:
    """What somebody else asked for, quoted or pasted as code, asks for nothing."""
    quoted = "\n".join(f"> {line}" for line in text.splitlines())

    assert not is_wish(quoted)
    assert not is_wish(f"What does this mean?\n```\n{text}\n```")


@steady
@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    """Whatever is written gets an answer, always the same."""
    assert is_wish(text) == is_wish(text)


def test_a_long_message_is_read_quickly() -> None:
    """The longest message that is answered is searched in well under a second, however it is made up."""
    for part in ("i am ", "remember ", "i do not use ", "please note "):
        assert not is_wish((part * 24_000)[:24_000])
