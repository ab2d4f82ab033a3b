"""Whether a member asks to have something remembered, or forgotten, right away. Pure.

It makes the session due at once and gives nobody a pen: what is learned goes through the same optimizer and guard.
Missing a wish costs half an hour; hearing one where there is none sends the member a note they did not ask for. So
only requests count, at the beginning of a clause, and only about the member themself.
"""

import re

from persona.canonical import comparable, typed

_QUOTED = re.compile(r"""`[^`]*`|"[^"]*"|«[^»]*»|(?<!\w)'[^']*'(?!\w)""")
"""Words that are mentioned, not said."""

_LEAD = (
    r"(?:^|[^\w' ] ?)(?:(?:please|pls|also|and|but|so|then|just|now|ok|okay|oh|hey|hi|btw|fyi|always|from now on"
    r"|(?:can|could|would|will) you|you (?:can|may|should)|i(?: want|'d like| would like) you to),? )*"
)
_MINE = r"(?:i|i'm|i've|i'd|my)\b(?! (?:\w+ )?(?:question|message|request|prompt|instructions?)\b)"
_KEEP = (
    r"(?:remember(?! (?:i|my)\b[^.!]*\?)|memori[sz]e|(?:keep|bear) in mind|(?:do not|don't|never) forget"
    r"|(?:make|take) (?:a )?note|note)(?: down)?(?: for (?:me|later|next time|the future))?(?: about me)?"
)
_REQUEST = re.compile(
    rf"{_LEAD}(?:{_KEEP}[:,]?(?: of| that| this:?)? {_MINE}"
    rf"|{_KEEP} (?:that|this|it)(?: please| for [\w ]{{1,20}})?(?:[.!]|$)"
    rf"|forget (?:that )?{_MINE}|forget (?:(?:what|everything|anything|all)\b[^.!?]{{0,60}} )?about (?:me|my)\b)"
)

_ENDED = re.compile(
    r"(?<!\w)i (?:no longer (?:live|work|use|eat|drink|speak|prefer)\b"
    r"|(?:don't|do not) (?:live|work|use|eat|drink|speak|prefer) .{1,60}\bany ?more\b)"
    r"|(?<!\w)i(?:'m| am) (?:no longer (?:an?|the|on|in|at|with|based|living|working|using|vegan|vegetarian)\b"
    r"|not (?:an?|the|on|in|at|with|based|living|working|using|vegan|vegetarian) .{1,60}\bany ?more\b)"
)
"""A member says that something known of them is over: they want it gone, asked for or not."""

_ELSEWHERE = re.compile(
    r"(?<!\w)(?:"
    r"(?:merke? dir|denk daran|vergiss(?: nicht)?)(?: bitte)?,? (?:dass ich|dass mein|mein)"
    r"|(?:retiens|n'oublie pas|oublie|rappelle-toi|souviens-toi) que (?:je\b|j'|mon\b|ma\b|mes\b)"
    r"|(?:recuerda|no olvides|olvida) que (?:yo|me|mi|mis|soy|estoy|vivo|trabajo|uso|prefiero|hablo)\b"
    r"|(?:lembra-te|lembre-se|não te esqueças|não se esqueça|esquece)(?: de)? que (?:eu|sou|moro|vivo|trabalho|uso)\b"
    r"|(?:ricorda|ricordati|non dimenticare|dimentica) che (?:io|sono|vivo|abito|lavoro|uso|preferisco)\b"
    r"|(?:запомни|не забудь|забудь)(?:те)?,? что (?:я|мне|меня|у меня|мой|моя)\b"
    r")"
    r"|(?:覚えて|忘れて)(?:おいて|ください)|(?:请|帮我)(?:记住|忘记)|记住(?:我|一下)|(?:기억해|잊어) ?(?:줘|주세요)",
)


def is_wish(text: str) -> bool:
    """Whether something a member typed asks for that, of themself; not what they quote or paste."""
    lines = (comparable(line) for passage in typed(text) for line in passage.splitlines())
    return any(_is_wish(_QUOTED.sub('"', line)) for line in lines)


def _is_wish(line: str) -> bool:
    return any(pattern.search(line) is not None for pattern in (_REQUEST, _ENDED, _ELSEWHERE))
