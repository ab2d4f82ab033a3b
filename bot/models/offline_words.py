"""The words the offline model knows: what ends a value, what hides a statement, what may stand in a field."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


INTRO = re.compile(
    r"(?:[\s(\[]*(?:(?:hi|hello|hey)(?: \w+)?|btw|by the way|fyi|ps|also|and|but|so|well|ok|okay|oh|yes|no|sorry|thanks"
    r"|just so you know|for the record|actually|as i said"
    r"|(?:please )?(?:remember|note|keep in mind|don't forget)(?: that)?)\b[\s,:;.!-]*)*[\s(\[]*",
    re.IGNORECASE,
)
"""What may stand before a statement without changing it."""

FORGET = re.compile(r"(?:please )?forget (?:that |the fact that )?", re.IGNORECASE)
"""What makes a statement one that is to hold no longer."""

HEDGED = re.compile(
    r"\?|\b(?:if|would|could|maybe|perhaps|wish|hope|plan(?:ning)? to|thinking (?:of|about)|used to|imagine|pretend"
    r"|suppose|assume|let's say|as though|not sure|says?|said|told|thinks?|next (?:week|month|year)|tomorrow|soon"
    r"|(?:for|in|to) this)\b|\bmight\b|\bmay\b(?<!May)",
    re.IGNORECASE,
)
"""What makes a sentence a question, a wish, a condition, a plan, hearsay, or about the task at hand."""

TRAILING = re.compile(
    r"[\s,]+(?:now|again|recently|lately|these days|nowadays|already|today|yesterday|currently|at the moment|for work"
    r"|this (?:week|month|year)|last (?:week|month|year|summer|winter|spring|autumn|fall)|every day|from now on"
    r"|instead|please|though|too|as well|any ?more|(?:\w+ )?(?:day|week|month|year)s? ago|since [\w ]{1,20}"
    r"|(?:in|since) (?:(?:january|february|march|april|may|june|july|august|september|october|november|december) ?)?"
    r"(?:\d{4})?)$",
    re.IGNORECASE,
)
"""What may stand after a value and does not belong to it."""

CLAUSE_END = re.compile(
    r"\s+(?:and (?=(?:i|my|we|then|please)\b)|but|because|so that|which|although|where|while)\b"
    r"|,\s+(?:and |but |so )?(?=(?:i|my|we|please|call me)\b)|,\s+(?:by the way|btw)\b|;|\s[-–—]+\s|[)\]]",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<!\bSt\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<=[.!?])\s+|\n+")
QUOTED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|“[^”\n]*”|\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|^[ \t]*>[^\n]*", re.DOTALL | re.MULTILINE
)

JOBS = (
    "engineer|developer|programmer|designer|manager|lead|analyst|scientist|writer|editor|teacher|professor|nurse"
    "|lawyer|consultant|architect|researcher|student|director|founder|accountant|recruiter|administrator|officer"
    "|assistant|intern|technician|marketer|salesperson|translator|producer|librarian|cto|ceo|cfo|coo|pm"
)
LANGUAGES = _words(
    "arabic bengali bulgarian catalan chinese croatian czech danish dutch english estonian farsi finnish "
    "french german greek hebrew hindi hungarian icelandic indonesian irish italian japanese korean latin "
    "latvian lithuanian malay mandarin norwegian persian polish portuguese punjabi romanian russian "
    "serbian slovak slovenian spanish swahili swedish tagalog tamil telugu thai turkish ukrainian urdu "
    "vietnamese welsh"
)
LOWERCASE_TOOLS = _words(
    "vim neovim emacs git docker kubernetes linux macos windows python java javascript typescript rust go "
    "ruby php bash zsh tmux jira slack discord notion figma excel postgres sqlite redis terraform ansible "
    "npm pip poetry dbt airflow react vue django flask spark pandas numpy pytorch latex markdown helix "
    "obsidian zoom github gitlab"
)
NO_VALUE = _words(
    "a about all an any anything at back because by every everything fear for from her his hope how if in "
    "into it its me mine my no nobody not nothing now of off on one only our ours out peace right some "
    "something stuff that the their them there these they things this those to too up use what when where "
    "which who why with without you your yours later today tomorrow missing wrong irrelevant maybe crazy "
    "also same phone call whole winning best first"
)
"""A value does not begin with these."""

TIME_WORD = re.compile(
    r"\d|\b(?:noon|midnight|mornings?|afternoons?|evenings?|nights?|weekends?|weekdays?|six|seven|eight|nine|ten"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b",
    re.IGNORECASE,
)
DAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b", re.IGNORECASE)
TIME_ZONE = re.compile(r"(?:(?:UTC|GMT)?[+-]?\d{0,2}(?::\d\d)?|[A-Z]{2,5}|[A-Z]\w+/\w+|[A-Z][\w ]+ time)", re.ASCII)
