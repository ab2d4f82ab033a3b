"""What is never kept, whoever says it: special categories of data, money troubles, credentials, minors, crime.

A screen of words, coarse on purpose: a harmless fact lost costs little, a diagnosis kept costs trust. It is the last
of several walls: the default schema has no field for any of this, and the optimizer is told not to propose it.
Categories: design section 8, reliability D.1 (P4). A member can agree to some: `persona.special`.
"""

import re

from persona.canonical import readings

# Each entry is a regular expression for whole words in lower case; a space also matches a dash.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "health": (
        *(r"diagnos\w*", "illness", "disease", "disorder", "syndrome", "cancer", r"diabet\w*", "asthma", r"epilep\w*"),
        *("hiv", "depression", "depressed", "anxiety", r"autis\w+", "adhd", "ocd", "bipolar", "ptsd", "dementia"),
        *("migraines?", r"allerg\w+", "deaf", "disabled", "disability", "wheelchair", r"pregnan\w+", "miscarriage"),
        *("abortion", "surgery", r"chemo\w*", "medication", "antidepressants?", "therapist", "in therapy"),
        *(r"psychiatr\w+", "rehab", r"addict\w*", "alcoholic", "sick leave", "burn out", "burnout", "burned out"),
    ),
    "belief": (
        *(r"religio\w+", "muslim", r"islam\w*", r"hindu\w*", r"buddhis\w+", r"sikh\w*", "jewish", "judaism", "ramadan"),
        *(r"catholic\w*", "protestant", "mormon", r"atheis\w+", "agnostic", "christianity", "(?:a|am|as) christian"),
        *("church", "mosque", "synagogue", "i pray", "praying"),
    ),
    "politics": (
        *("republican", "democrat", "(?:conservative|labou?r|green) party", "socialist", "communist", "fascist"),
        *("left wing", "right wing", "(?:vote|voted|voting) (?:for|labou?r|green|conservative)", "political"),
    ),
    "union": ("(?:trade|labou?r) union", "union (?:member|rep|steward)", "in (?:a|the) union", "on strike"),
    "origin": (
        *(r"ethnic\w*", "racial", "mixed race", "skin colou?r", "refugee", "asylum", "indigenous", r"of \w+ descent"),
    ),
    "sex life": (
        *(r"sexual\w*", "sex life", "gay", "lesbian", "bisexual", "queer", "heterosexual", "asexual"),
        *("transgender", "trans (?:wo)?man"),
    ),
    "biometrics": ("my fingerprint", "(?:face|iris|retina) scan", "my dna", "my genome"),
    "money troubles": (
        *("in debt", "debts", r"bankrupt\w*", "overdrawn", r"insolven\w+", r"foreclos\w+", "payday loan"),
        *(
            "can'?t afford",
            "cannot afford",
            "my salary",
            "my wages?",
            r"(?:i am|i'm) (?:(?:\w+ly|flat|so|still|a bit) )?broke",
        ),
    ),
    "credentials": (
        *("my (?:password|passwd|passcode|passphrase|pin)", "(?:password|passwd|passcode|passphrase|pin) is"),
        *(
            "(?:my|aws) (?:api |secret |private |access )+(?:key|token)",
            "(?:api|secret|private|access) (?:key|token) is",
        ),
        *(r"\w*(?:api.?key|password|passwd|secret|token) ?[:=]\S*", r"begin (?:\w+ )*private key"),
        *(r"(?:sk|xapp|xox[a-z]|glpat)-[\w-]{8,}", r"(?:gh[pousr]|github_pat)_\w{8,}", r"(?:akia|aiza)[\w-]{12,}"),
        *(r"eyj[\w-]{8,}\.eyj[\w-]+(?:\.[\w-]*)?", r"\d(?: ?\d){12,18}"),
    ),
    "minors": (
        r"(?:i am|i'm|aged?) (?:[1-9]|1[0-7]) ?(?:years? old|y/?o)",
        r"(?:my|our|two|three|a) (?:son|daughter|child|kid)(?:s|ren)?",
        "my school",
    ),
    "crime": (
        r"arrest\w*",
        r"convict\w*",
        "criminal record",
        "in (?:prison|jail)",
        "on (?:parole|probation)",
        "felony",
    ),
}


def _screen(patterns: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(pattern.replace(" ", "[ -]") for pattern in patterns)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


_SCREENS = {category: _screen(patterns) for category, patterns in CATEGORIES.items()}


def category(text: str, *, but: str = "") -> str | None:
    """The first category of `CATEGORIES` that `text` touches, or None; `but` one that its field may hold."""
    every = readings(text)
    screens = ((name, screen) for name, screen in _SCREENS.items() if name != but)
    return next((name for name, screen in screens if any(map(screen.search, every))), None)


def touches(name: str, text: str) -> bool:
    """Whether `text` touches one category of `CATEGORIES`."""
    return any(map(_SCREENS[name].search, readings(text)))
