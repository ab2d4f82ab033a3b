"""Whether a member asks what the last answer was built on. Pure.

Missing it costs a line in the prompt that says where to look; hearing it where it was not meant costs a few words of
the answer. So only short messages count that begin with the question.
"""

import re

from persona.canonical import comparable

MAX_CHARS = 120
"""A longer message asks something else as well."""

_ASKED = re.compile(
    r"^[^\w>]*(?:(?:ok|okay|hm+|but|and|so|wait|aber|und|mais|et|pero|y|mas|e|ma)[,.]* )?(?:"
    r"why (?:did|do|would|are|were) you (?:say|saying|said|think|thinking|believe|assume|answer|suggest|recommend)\b"
    r"|what makes you (?:say|think|believe|assume)\b|how (?:do|did|would) you know\b"
    r"|(?:warum|wieso|weshalb) (?:sagst|sagtest|denkst|glaubst|meinst|nimmst|hast) du\b|woher weißt du\b"
    r"|woher weisst du\b"
    r"|pourquoi (?:(?:tu|vous) (?:dis|dites|penses|pensez|crois|croyez|as dit|avez dit)|(?:dis|penses|crois)-tu"
    r"|(?:as-tu|avez-vous) dit)\b|comment (?:le )?(?:sais-tu|savez-vous|tu (?:le )?sais)\b"
    r"|por qué (?:lo )?(?:dices|dijiste|has dicho|piensas|crees)\b|cómo (?:lo )?sabes\b"
    r"|por ?qu[eê] (?:é que )?(?:você |tu )?(?:disse|diz|dizes|disseste|acha|achas|pensa)\b|como (?:você )?sabes?\b"
    r"|perché (?:lo )?(?:dici|hai detto|pensi|credi)\b|come (?:lo )?(?:sai|fai a sapere)\b"
    r"|(?:なぜ|なんで|どうして).{0,12}(?:言|思|答え|わか|知)"
    r"|(?:你)?(?:为什么|为何|怎么)(?:会)?(?:这么|那么|这样|那样)?(?:说|认为|觉得|回答|知道)"
    r")"
)


def is_asked(text: str) -> bool:
    """Whether `text` is that question."""
    return len(text) <= MAX_CHARS and _ASKED.search(comparable(text)) is not None
