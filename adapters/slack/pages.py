"""What somebody sees who installs the app: three plain pages, with what is so and what to do."""

from html import escape

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""The address of the page after an installation holds a code: no other site is told it, and nothing frames it."""

AGAIN = '<a href="{install_path}">Start again</a>.'

REASONS = {
    "access_denied": "You did not let Rapport in, so nothing was installed.",
    "invalid_browser": "This page was opened in another browser than the one in which installing began.",
    "invalid_state": "This invitation was used already, or is more than ten minutes old.",
    "missing_code": "Slack sent no code along, so nothing was installed.",
    "invalid_code": "Slack did not accept the code it gave out: it may have been used already, or be too old.",
}
"""By Bolt's and Slack's words for what went wrong."""

ORGANISATION = (
    "Rapport is installed in one workspace at a time, and you chose a whole organisation. Nothing was kept. Choose a"
    " workspace instead."
)
NOT_KEPT = "Slack let Rapport in, but Rapport could not keep that. Try again in a few minutes."
UNREACHABLE = "Slack could not be reached, so nothing was installed. Try again in a few minutes."
UNKNOWN = "Slack says that it did not work."


def invitation(address: str) -> str:
    """The page on which installing begins; `address` is Slack's page that asks for leave."""
    return _page(
        "Rapport for Slack",
        "Rapport answers who mentions it or writes to it directly. It remembers something of a member only after that"
        " member agreed, shows it to them, and forgets it when they say so.",
        f'<a href="{escape(address)}">Install it in a workspace</a>. Slack shows what it may do there, and asks you.',
    )


def installed(workspace: str) -> str:
    """The page after it worked. `workspace` is what Slack calls it."""
    return _page(
        "Rapport is installed",
        f"It is in {escape(workspace or 'your workspace')} now. Invite it to a channel and mention it, or write to it.",
        "Nobody is remembered before they agreed. If it had been removed before, everybody is asked again."
        " You can close this page.",
    )


def failed(sentence: str, *, install_path: str) -> str:
    """The page after it did not work."""
    return _page("Rapport is not installed", escape(sentence), AGAIN.format(install_path=escape(install_path)))


def _page(title: str, *paragraphs: str) -> str:
    text = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        "<style>body { font: 1.1em/1.5 sans-serif; margin: 4em auto; max-width: 34em; padding: 0 1em }</style></head>\n"
        f"<body>\n<h1>{title}</h1>\n{text}\n</body>\n</html>\n"
    )
