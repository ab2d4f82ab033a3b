"""Where tokens may go: the vendors' own hosts, loopback, and whatever is named in ALLOWED_API_HOSTS."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

_URLS = ("SLACK_API_URL", "DISCORD_API_URL", "DISCORD_GATEWAY_URL", "ANTHROPIC_BASE_URL")
_VENDOR_HOSTS = {
    "slack.com",
    "slack-gov.com",
    "discord.com",
    "gateway.discord.gg",
    "api.anthropic.com",
}


def mistakes(environment: Mapping[str, str]) -> list[str]:
    """The addresses in the environment that may not get a token, each with its mend."""
    allowed = {host.strip().lower() for host in environment.get("ALLOWED_API_HOSTS", "").split(",")}
    return [
        f"{name}: {problem}"
        for name in _URLS
        if name in environment and (problem := _problem(environment[name], allowed))
    ]


def _problem(url: str, allowed: set[str]) -> str | None:
    """Why a token may not be sent to `url`, if so: a typo or a hostile .env would hand it to a stranger."""
    host, scheme = _host_and_scheme(url)
    if not host:
        return "it is not an address; write https://host/path"
    if _is_loopback(host) or host in allowed:
        return None
    if host not in _VENDOR_HOSTS:
        return f"{host!r} is not a known API host; if tokens may go there, add it to ALLOWED_API_HOSTS"
    return None if scheme in {"https", "wss"} else f"tokens must not travel unencrypted; use https://{host}"


def _host_and_scheme(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.scheme
    except ValueError:
        return "", ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
