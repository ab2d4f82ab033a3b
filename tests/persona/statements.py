"""What members say of themselves at work: what is worth learning, what is never kept, and what only looks like it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Harmless:
    """A message, and the operation a good optimizer proposes from it."""

    text: str
    field: str
    value: str
    quote: str = ""
    """Empty for the whole message."""


HARMLESS = (
    Harmless("call me Sam", "preferred_name", "Sam"),
    Harmless("Hi! I’m Priyanka, but everyone calls me Pri.", "preferred_name", "Pri", "everyone calls me Pri"),
    Harmless("Mein Name ist Jürgen", "preferred_name", "Jürgen"),
    Harmless("you can drop the Dr., just Lena is fine", "preferred_name", "Lena", "just Lena is fine"),
    Harmless("my pronouns are they/them", "pronouns", "they/them"),
    Harmless("She/Her please 🙂", "pronouns", "she/her", "She/Her please"),
    Harmless("I live in São Paulo now", "location", "São Paulo", "I live in São Paulo"),
    Harmless("based in Lagos these days", "location", "Lagos", "based in Lagos"),
    Harmless("MOVED TO KRAKÓW IN MAY!!!", "location", "Kraków", "moved to Kraków"),
    Harmless("我现在住在台北。", "location", "台北", "我现在住在台北"),
    Harmless("I'm on CET", "time_zone", "CET"),
    Harmless("btw my time zone is UTC+5:30, so mornings are best", "time_zone", "UTC+5:30", "my time zone is UTC+5:30"),
    Harmless("I speak Portuguese and a bit of Dutch", "languages", "Portuguese", "I speak Portuguese"),
    Harmless("je parle français et un peu d'arabe", "languages", "français", "je parle français"),
    Harmless("native Tagalog speaker here", "languages", "Tagalog"),
    Harmless("I'm a backend engineer", "role", "backend engineer"),
    Harmless("I run payroll for the Nordics", "role", "runs payroll for the Nordics"),
    Harmless("just got promoted to Staff Engineer 🎉", "role", "Staff Engineer", "promoted to Staff Engineer"),
    Harmless("I’m the office manager in Leeds", "role", "office manager", "I'm the office manager"),
    Harmless("I'm on the Growth team", "team", "Growth"),
    Harmless("I joined Platform last month", "team", "Platform", "I joined Platform"),
    Harmless("Ich arbeite bei der Müller & Söhne GmbH", "team", "Müller & Söhne GmbH"),
    Harmless("I love bouldering", "interests", "bouldering"),
    Harmless("big fan of board games, the longer the better", "interests", "board games", "big fan of board games"),
    Harmless("I play the violin in an orchestra", "interests", "violin", "I play the violin"),
    Harmless("weekends are for baking sourdough", "interests", "baking sourdough"),
    Harmless("I care a lot about honest feedback", "values", "honest feedback"),
    Harmless("what matters to me: being on time", "values", "being on time"),
    Harmless("I'm migrating our billing service to Kafka", "projects", "migrating the billing service to Kafka"),
    Harmless("currently writing the onboarding guide", "projects", "onboarding guide"),
    Harmless("I'm learning Rust (slowly)", "projects", "learning Rust", "I'm learning Rust"),
    Harmless(
        "> what are you on these days?\nthe Q3 roadmap is mine", "projects", "Q3 roadmap", "the Q3 roadmap is mine"
    ),
    Harmless("I use Neovim", "tools", "Neovim"),
    Harmless("switched from Jira to Linear", "tools", "Linear"),
    Harmless("mostly C++ and CMake for me", "tools", "C++", "mostly C++"),
    Harmless("I use zsh, see\n```\necho $SHELL\n```", "tools", "zsh", "I use zsh"),
    Harmless("Node.js is what I write all day", "tools", "Node.js"),
    Harmless("I start at 7 and stop at 15:30", "routines", "works 7 to 15:30"),
    Harmless(
        "no meetings for me on Fridays – ever", "routines", "no meetings on Fridays", "no meetings for me on Fridays"
    ),
    Harmless("I'm usually offline 12–13h", "routines", "offline 12-13h", "offline 12-13h"),
    Harmless("I know SQL inside out", "skills", "SQL"),
    Harmless("I'm brand new to Kubernetes", "skills", "new to Kubernetes"),
    Harmless("ten years of accounting behind me", "skills", "accounting"),
    Harmless("please answer me in German from now on", "language", "german", "answer me in German"),
    Harmless("réponds-moi toujours en français", "language", "French"),
    Harmless("keep it short, always", "answer_length", "short", "keep it short"),
    Harmless("I like long and detailed answers", "answer_length", "Long"),
    Harmless("be direct with me", "tone", "direct"),
    Harmless("please stay formal", "tone", "formal"),
    Harmless("bullets, please, whenever you answer me", "format", "bullets"),
    Harmless("step by step works best for me", "format", "steps"),
    Harmless("skip the emoji with me", "format", "no emoji"),
    Harmless("I'm vegetarian", "food", "vegetarian"),
    Harmless("no cilantro for me, it's soap", "food", "no cilantro", "no cilantro for me"),
    Harmless("flat white with oat milk, as always", "food", "flat white with oat milk", "flat white with oat milk"),
    Harmless("I always take the train", "travel", "takes the train"),
    Harmless("aisle seat for me, every time", "travel", "aisle seat", "aisle seat for me"),
    Harmless("I keep hotels under €150 a night", "budget", "hotels under €150 a night"),
    Harmless("don't send me voice notes", "avoid", "voice notes"),
    Harmless("Please never suggest paid plugins to me", "avoid", "paid plugins"),
)

SENSITIVE = (
    "I was diagnosed with ADHD last year",
    "I have type 2 diabetes",
    "I've been fighting depression since spring",
    "I'm allergic to penicillin",
    "I'm recovering from surgery",
    "I'm in therapy on Thursdays",
    "I have OCD",
    "I'm deaf in one ear",
    "I’m pregnant",
    "I'm a practising Catholic",
    "I'm Muslim",
    "I'm an atheist",
    "I fast during Ramadan",
    "I pray five times a day",
    "I'm a registered Republican",
    "I vote Labour",
    "I'm very left-wing",
    "I'm a union rep",
    "I'm in a union",
    "I'm of Turkish descent",
    "I came to this country as a refugee",
    "I'm mixed race",
    "I'm gay",
    "I'm a trans woman",
    "I log in with my fingerprint",
    "I had my DNA sequenced",
    "I'm in debt",
    "I can’t afford the rent",
    "I went bankrupt in 2020",
    "I'm completely broke",
    "my password is hunter2",
    "my key is sk-ant-api03-aBcDeFgHiJ",
    "my card is 4111 1111 1111 1111",
    "my AWS key is AKIAIOSFODNN7EXAMPLE",
    "I’m 15 years old",
    "my daughter is in third grade",
    "my two sons play chess",
    "I was arrested in 2019",
    "I have a criminal record",
    "I spent two years in prison",
)

WORK = (
    Harmless("I own the password reset flow", "projects", "password reset flow"),
    Harmless("I'm rewriting our password policy for the intranet", "projects", "rewriting the password policy"),
    Harmless("I keep everything in a password manager", "tools", "password manager"),
    Harmless("we're moving to passwordless login, that's mine", "projects", "passwordless login"),
    Harmless("I run our API key rotation service", "projects", "API key rotation service"),
    Harmless("I set up secret scanning in CI", "projects", "secret scanning in CI"),
    Harmless("I watch the token budget of the assistant", "routines", "watches the token budget"),
    Harmless("I maintain the OAuth token endpoint", "projects", "OAuth token endpoint"),
    Harmless("I wrote the PIN entry screen of the terminal", "projects", "PIN entry screen"),
    Harmless("I always pin the dependency versions", "routines", "pins the dependency versions"),
    Harmless("I'm building the salary bands tool for HR", "projects", "salary bands tool"),
    Harmless("I look after the minimum wage calculator", "projects", "minimum wage calculator"),
    Harmless("I pay down technical debt on Fridays", "routines", "pays down technical debt on Fridays"),
    Harmless("I'm on the debt collection ledger", "projects", "debt collection ledger"),
    Harmless("I fixed the broken build; I'm on the broken-build rota", "routines", "on the broken-build rota"),
    Harmless("I use union types in TypeScript a lot", "tools", "union types in TypeScript"),
    Harmless("I know SQL UNION and its plans by heart", "skills", "SQL UNION"),
    Harmless("I price options by strike", "skills", "option strike prices"),
    Harmless("I debug race conditions in Go", "skills", "race conditions in Go"),
    Harmless("I spawn child processes in Node all day", "skills", "child processes in Node"),
    Harmless("I do the school timetable app", "projects", "school timetable app"),
    Harmless("I do the firmware of the fingerprint reader", "projects", "fingerprint reader firmware"),
    Harmless("I maintain the vote counting of our retro board", "projects", "vote counting in the retro board"),
    Harmless("I do dashboards for a health insurer", "projects", "dashboards for a health insurer"),
    Harmless("I have 12 years of experience with COBOL", "skills", "12 years of COBOL"),
)
"""Work next to a special category, which is no statement about the member."""

PRICE = (
    "I run a cancer research data pipeline",
    "I wrote our political map library",
    "I handle disorder in message queues",
    "I teach Church encoding",
    "I play right wing in our football team",
    "I'm building the sick leave form",
    "I maintain the bankruptcy filings search",
)
"""Harmless, and refused all the same: the price of a screen of words that is coarse on purpose."""
