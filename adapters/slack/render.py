"""Our Markdown as Slack's mrkdwn. Everything is escaped first, so nothing a model writes can ping or link."""

import re

from bot.markdown import fence_after

# What a pattern may span is bounded: a reply is rendered many times while it grows, whatever a model writes.
_CODE = re.compile(r"(`+)(?!`).{1,1000}?(?<!`)\1(?!`)")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.{1,600}?)(?<=\S)\1")
_ITALIC = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]{1,600}?)(?<=[^\s*])\*(?![\w*])")
_STRUCK = re.compile(r"~~(?=\S)(.{1,600}?)(?<=\S)~~")
_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*")
_LINK = re.compile(r"!?\[([^\]\[\n]{0,300})\]\(((?:[^()\s]|\([^()\s]{0,100}\)){1,1000})(?:\s[^()\n]{0,200})?\)")
_BULLET = re.compile(r"(\s*)[-*+] ")
_BOLD_MARK = "\x02"
"""Stands for bold until italics are done: Slack's bold is Markdown's italic."""


def mrkdwn(markdown: str) -> str:
    """The text as Slack shows it: bold, lists and code keep their look; a link shows where it leads."""
    rendered, fence = [], ""
    for line in escape(markdown).split("\n"):
        following = fence_after(fence, line)
        if bool(following) != bool(fence):
            rendered.append("```")  # Slack would show the name of the language as code
        else:
            rendered.append(line if fence else _line(line))
        fence = following
    return "\n".join(rendered)


def rendered_length(line: str) -> int:
    """At least the characters a line of Markdown has once it is rendered: no mark grows."""
    return len(escape(line))


def escape(text: str) -> str:
    """Slack's three control characters, so that `<!channel>` and `<@U1>` are text and nothing else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(line: str) -> str:
    heading = _HEADING.fullmatch(line)
    if heading:
        return f"*{_spans(heading[1].replace('**', ''))}*" if heading[1] else ""
    quote = "> " if line.startswith("&gt; ") else ""
    line = line.removeprefix("&gt; ")
    bullet = _BULLET.match(line)
    if bullet:
        return f"{quote}{bullet[1]}• {_outside_code(line[bullet.end() :])}"
    return quote + _outside_code(line)


def _outside_code(line: str) -> str:
    """The line rendered, its inline code left as it is."""
    rendered, begin = [], 0
    for code in _CODE.finditer(line):
        rendered += [_spans(line[begin : code.start()]), code[0]]
        begin = code.end()
    return "".join([*rendered, _spans(line[begin:])])


def _spans(text: str) -> str:
    text = _LINK.sub(lambda link: link[2] if link[1] in {"", link[2]} else f"{link[1]} ({link[2]})", text)
    text = _BOLD.sub(rf"{_BOLD_MARK}\2{_BOLD_MARK}", text)
    text = _ITALIC.sub(r"_\1_", _STRUCK.sub(r"~\1~", text))
    return text.replace(_BOLD_MARK, "*")
