"""The screen for people: a prompt that completes, answers drawn as Markdown."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from rich.console import Console

from adapters.terminal import translate
from bot.commands import administration
from bot.commands.registry import COMMANDS, PREFIX
from bot.messages import clean


class RichScreen:
    """A terminal with a person in front of it."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True, emoji=False)
        self._session: PromptSession[str] = PromptSession(
            completer=_Commands(), complete_while_typing=True, reserve_space_for_menu=4
        )

    async def read(self, who: str, where: str) -> str | None:
        """See `Screen.read`. Ctrl-C clears the line, Ctrl-D ends."""
        prompt = FormattedText([("bold ansicyan", who), ("", " "), ("ansibrightblack", where), ("bold", " ❯ ")])
        while True:
            try:
                return await self._session.prompt_async(prompt)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return None

    def reply(self, where: str, text: str) -> None:
        """See `Screen.reply`."""
        from rich.markdown import Markdown  # noqa: PLC0415 - after the first prompt, not before it

        self._console.print(f"[bold green]Rapport[/] [bright_black]{where}[/]")
        self._console.print(Markdown(clean(text), hyperlinks=False), soft_wrap=False)
        self._console.print()

    def lines(self, lines: Sequence[str]) -> None:
        """See `Screen.lines`."""
        for line in lines:
            self._console.print(clean(line), markup=False)

    def working(self) -> AbstractContextManager[object]:
        """See `Screen.working`."""
        return self._console.status("thinking …")


_VERBS = {PREFIX: COMMANDS, administration.PREFIX: administration.COMMANDS}


class _Commands(Completer):
    """Completes commands at the beginning of a line, and the verbs of those that have some."""

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        typed = document.text_before_cursor
        for prefix, verbs in _VERBS.items():
            if typed.startswith(f"{prefix} "):
                words = {command.usage: command.summary for command in verbs.values()}
                yield from _matching(words, typed.removeprefix(f"{prefix} "))
                return
        if typed.startswith("/"):
            yield from _matching(translate.COMMANDS, typed)


def _matching(words: dict[str, str], typed: str) -> Iterable[Completion]:
    for usage, summary in words.items():
        word = usage.split(" NAME")[0].split(" #NAME")[0].split(" <")[0].split(" [")[0]
        if word.startswith(typed) and word != typed:
            yield Completion(word, start_position=-len(typed), display=usage, display_meta=summary)
