"""Text that gives orders instead of stating a fact: what a persona must never carry into a prompt.

A blunt screen, like `persona.sensitive`, and like it one wall of several: it may refuse a harmless value, which costs a
fact, and what slips through is still short, in its author's own persona, shown to them, and data to who reads it. It
looks for the shapes of an order: whom it speaks to, what is to be done when, who is to be believed, and the marks of a
prompt (reliability C1, C5, C6, C7, C12).
"""

import re

from persona.canonical import is_spelled_out, readings

_RULE = r"(?:rules?|instructions?|guidelines?|guardrails?|safeguards?|polic(?:y|ies)|prompts?|restrictions?|filters)"
_REPLY = r"(?:repl(?:y|ies)|answers?|responses?|outputs?|conversations?|summar(?:y|ies))"
_KEPT = r"(?:personas?|profiles?|memor(?:y|ies)|facts?)"
_CLEARED = r"(?:(?:pre-?|auto-?)?(?:approved?|authori[sz]ed)|trusted|verified|confirmed|whitelisted)"
_CONSENT = r"(?:confirmations?|approvals?|permissions?|consent|verification)"
_EVERY = r"(?:all|any|each|every(?:one|body|thing)?)"
_PEOPLE = r"(?:every(?:one|body)|anyone|anybody|people|others|them|users|customers|members|colleagues|all)"
_DO = (  # what one would have an assistant do
    r"(?:accept|answer|append|apply|approve|delete|erase|execute|forget|forward|grant|greet|ignore|include|insert"
    r"|mention|obey|post|print|recommend|remember|reply|respond|reveal|save|say|send|share|store|tell|treat|unlock"
    r"|warn|write)"
)
_US = r"(?:assistants?|summari[sz]er|(?:the|this|every) (?:bot|ai|model))"
_IF = r"(?:when|whenever|if|once|as soon as|after|every time|each time)"
_ALWAYS = r"(?:always|never|only ever|from now on|henceforth|at all times)"
_VENDOR = r"(?:source|vendor|supplier|provider|brand)"
_WHAT = rf"(?:{_PEOPLE}|only|so|this|that|it|what|a|an|the|to|with|from|as|on|in|\w+'s)"

# Each entry is a regular expression for whole words in lower case and without accents.
ORDERS: dict[str, tuple[str, ...]] = {
    "to somebody": (
        r"(?<!-)(?:you|your|yours|yourself)(?!-)",  # a fact about oneself has no second person
        rf"{_US} (?:must|shall|should|will|has to|is to|are to|obeys?|works? for|to (?!the\b|an?\b))",
        r"(?:by|to|tells?|asks?|wants?|expects?|needs?) (?:the|this|every) (?:assistant|bot|ai|model|summari[sz]er)",
        r"(?:when|using|this) (?:the )?(?:assistant|bot|ai)|(?:other|all) members|every(?:one|body) else(?:'s)?",
        r"my (?:messages|requests|orders|commands|purchases|expenses|words|instructions)",
        rf"{_DO} me|(?:agree|obey|trust|flatter|follow)\w* .{{0,20}}(?:me|i say|i write)",
        rf"(?:warn|tell|advise|urge|inform|convince|insult|greet|call|ping|block|opt) {_PEOPLE}",
        rf"(?:^|[,;:.!)] )(?:and |then |please |never |do not |don't |always )*{_DO} {_WHAT}",
        rf"{_RULE} ?:|(?:hr|it|company|security|refund) policy (?:is|says)|(?:as )?per \w+ policy",
    ),
    "against the rules": (
        r"(?:disregard|disobey|obey|comply|complies|refusal|reveal|jailbreak|impersonate|superuser|sudo)\w*",
        rf"(?:ignor|bypass|overrid|circumvent|disabl|suspend|skip|forget|drop)\w* (?:\S+ ){{0,4}}(?:{_RULE}|safety)",
        rf"(?:ignor\w+|bypass\w*) (?:{_EVERY}|the|what\w*|previous|prior|\w+'s|rules)|(?:never|don't|do not) refuse",
        (
            r"(?:no|without(?: any)?|free (?:of|from)|exempt from|not bound by) (?:\w+ (?:and |or )?)?"
            r"(?:rules|instructions|guardrails|safeguards|safety \w+|filters|moderation|refusals)"
        ),
        rf"(?:{_RULE}|safety|verification|logging) (?:\w+ )?(?:is |are )?(?:void|disabled|suspended|lifted|off)",
        rf"{_RULE} (?:\S+ )?(?:do|does|don't|are|is) (?:not|no longer|apply)",
        r"(?:unfiltered|uncensored|unrestricted|unlimited) (?:mode|model|answers?|output|access|replies)",
        r"(?:debug|developer|god|root|admin|unrestricted) mode|do anything now|is always right|secretly \w+",
        r"(?:act|speak|behave|respond|answer) (?:as|like)|(?:role-?play|pose|pretend|pass)s? (?:as|that|to be|to)",
        r"(?:whatever|what|everything|anything) \w+ (?:says?|asks?|wants?|writes?)|overrid\w+ (?:the|those|others)",
    ),
    "standing orders": (
        rf"{_ALWAYS} (?:\w+ )?{_DO} (?:(?:\S+ )?(?:with|as|that)|only|{_PEOPLE}|to \S+\.\S+)",
        r"(?:always|never|only ever) (?:\w+ )?(?:recommend|promote|suggest|praise|mention|name|refuse|trust)s?",
        r"never ask (?:again|me|for)",
        (
            r"(?:recommend|promot|suggest|prais|favou?r|mention)\w* (?:\S+ ){0,4}"
            r"(?:always|first|only|above all|over all|everyone|everybody|others|nothing else|whenever)"
        ),
        r"(?:answer|reply|respond)s? (?:with (?:\S+ ){1,3}and nothing else|only (?:to|with|as))",
        r"(?:trust|believe)s? (?:only|(?:\S+ ){1,3}(?:above|over) all)|(?:must|should|may) (?:not|never|always) \w+",
        rf"(?:{_REPLY}|messages?) (?:that |which )?(?:must|should|end|begin|start|close|contain)(?:s|ing)?",
        rf"(?:finish|end|begin|start|open|close|sign)\w* (?:\w+ )?(?:{_EVERY} )?(?:{_REPLY}|messages?)",
        rf"(?:to|in|at the end of|with) {_EVERY} {_REPLY}|do not (?:tell|show|say|ask)",
        r"(?:always|please) (?:\w+ )?(?:end|begin|start|close) (?:\w+ ){0,2}(?:with|by)",
    ),
    "triggers": (
        rf"{_IF} (?:\S+ ){{0,4}}(?:says?|said|mention(?:s|ed)?|types?|typed|thank(?:s|ed)?|asks? (?:about|for))",
        rf"(?:{_IF}|on|upon|from) [^,]{{1,40}}(?:[,:]| then) (?:then )?{_DO}|(?:code|magic|trigger) ?words?",
    ),
    "approvals": (
        rf"(?:as|are|is|be|stays?|remains?) (?:\w+ )?{_CLEARED}|(?:counts?|considered|regarded) (?:as|an?|for all)",
        rf"(?:already|identity) {_CLEARED}|{_CLEARED} (?:for|by) (?:all|every\w*|me|payments)",
        r"treat(?:s|ed)? (?:me|us|my|all|them|it|this|that|as (?!an?\b|equals|adults|people|humans)\w+)",
        (
            r"(?:may|can|(?:is |are )?(?:allowed|authori[sz]ed|entitled|permitted|cleared) to) (?:\w+ )?"
            r"(?:approve|access|override|decide|see|delete|change|edit|read (?:\S+ )?(?:persona|private|all))"
        ),
        rf"(?:accept|approve)s? (?:{_EVERY}|what|whatever|it|this|that|my)|approves? (?:\S+ ){{1,4}}without \w+",
        r"(?:admin|root|owner|elevated|full) (?:access|rights|privileges)|as (?:an? )?(?:admin|root|owner)",
        rf"grants? (?:me|us|him|her|them|full|access)|(?:access|right) to (?:\S+ ){{0,3}}(?:{_KEPT}|secrets?)",
        rf"(?:no|without|skip\w*|needs? no) {_CONSENT}|{_CONSENT} (?:is|are|already|given|granted|counts?|holds?)",
        rf"{_EVERY} requests? (?:from|by|of) \S+|(?:is|are) (?:fine|ok|okay) without",
    ),
    "promotion": (
        rf"(?:the|only|as|my|our|best) (?:\w+ ){{0,2}}(?:only|trusted|official|preferred) (?:\w+ )?{_VENDOR}",
        rf"(?:approved|trusted|official|preferred) {_VENDOR}s?(?: of\b| ?:)|the only (?:{_VENDOR}|answer)",
        r"(?:everyone|everybody|people|we|they) (?:should|must) (?!be\b)\w+|(?:all|other|any|of) competitors",
        r"must (?:be )?(?:sent|paid|go|forwarded|bought)",
    ),
    "memory": (
        r"(?:remember|memori[sz]e|note|save|store|keep)(?: (?:that|this|these|it|everything|the recap)| ?:)",
        r"remember (?:\w+ ){1,2}as|remember \w+ ?\w* ?:|(?:set|update|move|change|rename|edit) \S+'s \w+",
        (
            r"(?:update|edit|change|delete|erase|wipe|copy|put|forget|drop|dump|hide|share|print|show|tell|read)s?"
            rf" (?:\S+ ){{0,4}}(?:{_KEPT}|everything about|secrets?|salar(?:y|ies)|(?:his|her|my) (?:role|location))"
        ),
        rf"\w+'s {_KEPT}|(?:this|these|that|previous|the) (?:fact|persona|line|rule|recap)s?",
        r"(?:text|line|message|facts?|rules?) (?:above|below)|set (?:that|this|it)|apply to|same goes for",
        r"(?:cannot|can not|can't|never) be (?:deleted|changed|removed|edited|forgotten)",
        r"(?:send|forward|post)s? (?:\S+ ){0,4}to (?:#\w+|\w+(?:\.\w+)+)",
    ),
    "words of a prompt": (
        r"(?:system|developer|hidden) (?:prompt|message|notice|instructions?|override|note)|note to (?:the|all) \w+",
        r"(?:system|assistants?|user|human|developer|orders?|\w+ (?:rule|notice)s?|new persona) ?:",
        r"(?:end|begin|start|stop)\w* (?:of |reading )?(?:the |new )?(?:personas?|profile|prompt|session|transcript)",
        r"(?:end|begin|start) of (?:the )?(?:memory|context|data)|(?:hidden|secret) (?:rule|order)s?",
    ),
    "German": (
        r"(?:ignorier|missacht|umgeh|vergiss)\w* (?:\S+ ){0,4}\w*(?:regel|anweisung|vorgabe|richtlinie|filter)\w*",
        r"(?:immer|stets|nie|niemals|ab jetzt) (?:\S+ ){0,4}(?:antworten?|sage?n?|schreib|empfiehl|empfehlen)",
        r"(?:antworte|sag|schreib|empfiehl|beende) (?:\S+ ){0,3}(?:immer|stets|nie|niemals|ab jetzt)",
        r"dass du|dein\w{0,2}",
    ),
    "French, Italian, Portuguese, Spanish": (
        r"(?:ignor|oubli|contourn|olvid|esque|dimentic)\w* (?:\S+ ){0,4}(?:reg[lor]|ins?tru|consign|norma|filtr)\w*",
        r"(?:respect|sui[vs]|sig|segu|obedec)\w* (?:pas )?(?:les|las|le|as) (?:reg[lor]|ins?tru|consign|norma)\w*",
        r"(?:toujours|jamais|siempre|nunca|sempre) (?:\S+ ){0,3}(?:r[ei]s?pond|termin|re?a?c+om[ai]e?nd|mencion)\w*",
        r"(?:r[ei]s?pond|termin|re?a?c+om[ai]e?nd)\w* (?:\S+ ){0,3}(?:toujours|jamais|siempre|nunca|sempre)",
        r"vous|votre|vos|ustedes|usted|voce",
    ),
    "Russian": (
        r"(?:игнорир|забудь|обойд|наруш)\w* (?:\S+ ){0,4}(?:правил|инструкц|указан|огранич)\w*",
        r"(?:всегда|никогда) (?:\S+ ){0,3}(?:отвеча|говори|рекоменду|упомина)\w*",
    ),
}

_UNSPACED = re.compile(  # scripts without spaces between words
    r"你|您|あなた"
    r"|(?:忽略|忽视|无视|無視|绕过|違反|违反|忘记|不要遵守|不遵守).{0,10}(?:规则|規則|指令|指示|限制|提示|命令|对话)"
    r"|(?:指示|命令|ルール|規則|制限|プロンプト).{0,8}(?:無視|忘れ|従わ|破)|(?:听从|服从|按照).{0,6}命令|無視する"
    r"|(?:视为|視為|当作|當作|算作).{0,4}(?:批准|授权|可信|管理员)|已批准|已授权"
    r"|(?:总是|始终|每次|必须|永远|从今以后|从现在起).{0,10}(?:回答|回复|推荐|说)"
    r"|(?:必ず|常に|いつも|毎回|今後).{0,20}(?:勧め|推薦|答え|回答|返信|言って|伝え)|(?:して|答えて|勧めて)ください"
    r"|(?:규칙|지시|명령).{0,8}무시"
)
_MARKS = re.compile(
    r"</?\w[^<>]*>|<[@!#|]"  # tags, and mentions as Slack and Discord write them
    r"|(?<![\w.])@(?!(?!everyone|here|channel)[\w.-]+/\w)\w"  # other mentions; @scope/package is a tool
    r"|[{}]|[\"']\s*[\]:]|\]\s*[(,]|\[\[|\[(?:system|inst)|```|__|\\[nu]|\$[({]|%\w+%"  # JSON, Markdown, templates
    r"|(?<!\S)/[a-z]{2,}(?![\w/])"  # commands of a platform
    r"|^#{2,} "
)
_ORDERS = re.compile(rf"(?<!\w)(?:{'|'.join(one for group in ORDERS.values() for one in group)})(?!\w)")


def is_order(text: str) -> bool:
    """Whether `text` tells an assistant how to behave, or carries the marks of a prompt, a program or a mention."""
    return is_spelled_out(text) or any(
        screen.search(reading) is not None for reading in readings(text) for screen in (_ORDERS, _UNSPACED, _MARKS)
    )
