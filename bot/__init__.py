"""The shared core: turns a message into a reply, and idle conversations into persona updates."""

VERSION = "0.1.0"
"""As in `pyproject.toml`, which is not there where nothing but the code was installed."""
