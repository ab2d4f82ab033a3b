"""The log: our lines with all their fields, those of libraries without their words, in text and in JSON."""

import json
import logging
import re
import sys
from typing import Any

import pytest
import structlog

from bot import logs

SECRET = "Ana said: my password is sesame"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"

pytestmark = pytest.mark.usefixtures("_log_as_it_was")


def ours(name: str = "bot.test_logs") -> Any:
    return structlog.get_logger(name)


def library() -> logging.Logger:
    return logging.getLogger("some_library.client")


def log_failure(**options: Any) -> None:
    """Let the library log an exception, as libraries do."""
    try:
        dict[str, str]()[SECRET]
    except KeyError:
        library().exception(SECRET, **options)


def json_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


# -- ours -------------------------------------------------------------------------------------------------------------


def test_our_line_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    """In JSON our line is one object with all its fields, the time in UTC, its level and where it comes from."""
    logs.configure("info", "json")

    ours().info("message.settled", reference="ab12", facts=3, why=None, refused={"quote": 1})

    (line,) = json_lines(capsys)
    assert re.fullmatch(MOMENT, line.pop("timestamp"))
    assert line == {
        "event": "message.settled",
        "level": "info",
        "logger": "bot.test_logs",
        "reference": "ab12",
        "facts": 3,
        "why": None,
        "refused": {"quote": 1},
    }


def test_our_line_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    """In text our line is one line that begins with time, level, origin and event, and has every field."""
    logs.configure("info", "text")

    ours().info("message.settled", reference="ab12", facts=3)

    line = capsys.readouterr().err
    expected = r"level='info' logger='bot.test_logs' event='message.settled' reference='ab12' facts=3\n"
    assert re.fullmatch(rf"timestamp='{MOMENT}' {expected}", line)


@pytest.mark.parametrize("form", ["text", "json"])
def test_one_line_per_record(capsys: pytest.CaptureFixture[str], form: Any) -> None:
    """A value with line breaks cannot forge a second line of log."""
    logs.configure("info", form)

    ours().info("reply.refused", why="not\nallowed\r\nlevel='error' event='forged'")

    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_goes_to_standard_output(capsys: pytest.CaptureFixture[str], form: Any) -> None:
    """Standard output belongs to what the program was asked for, a chat in a pipe say."""
    logs.configure("debug", form)

    ours().error("sweep.failed")
    library().error("broken")

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_any_value_can_be_logged(capsys: pytest.CaptureFixture[str], form: Any) -> None:
    """A value JSON does not know does not cost the line."""
    logs.configure("info", form)

    ours().info("bot.ready", platforms={"slack"}, half="\ud83d", data=b"\x00")

    assert "bot.ready" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_is_the_operators(capsys: pytest.CaptureFixture[str], level: str, heard: list[str]) -> None:
    """Our lines are heard from the level that was set, whichever of our packages they come from."""
    logs.configure(level, "json")

    for package in ("bot.x", "adapters.y", "persona.z"):
        for name in ("debug", "info", "warning", "error"):
            getattr(ours(package), name)("some.event")

    assert [line["level"] for line in json_lines(capsys)] == heard * 3


def test_a_second_set_up_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    """Setting up twice does not write every line twice."""
    logs.configure("info", "text")
    logs.configure("info", "json")

    ours().info("bot.ready")

    assert len(json_lines(capsys)) == 1


# -- libraries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("argument", [SECRET, {"text": SECRET}, LookupError(SECRET)], ids=["text", "body", "error"])
def test_a_library_loses_its_words(capsys: pytest.CaptureFixture[str], form: Any, argument: object) -> None:
    """A library's record is said to have happened, and where; nothing of what it speaks about is."""
    logs.configure("debug", form)

    library().warning("Unhandled request (%s)", argument)
    library().warning(SECRET)
    library().warning("words", extra={"body": SECRET})

    written = capsys.readouterr().err
    assert written.count("library.logged") == 3
    assert "sesame" not in written
    assert "Unhandled" not in written


def test_what_is_left_of_a_librarys_record(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's record keeps time, level, logger, module and line, and the name of its error."""
    logs.configure("info", "json")

    log_failure(stack_info=True)

    (line,) = json_lines(capsys)
    assert re.fullmatch(MOMENT, line.pop("timestamp"))
    assert re.fullmatch(r"test_logs:\d+", line.pop("where"))
    expected = {"level": "error", "logger": "some_library.client", "event": "library.logged", "error": "KeyError"}
    assert line == expected


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_of_a_library_is_not_written(capsys: pytest.CaptureFixture[str], form: Any) -> None:
    """An exception a library logs is named, and its words and its frames stay out."""
    logs.configure("info", form)

    log_failure()

    written = capsys.readouterr().err
    assert "KeyError" in written
    assert "sesame" not in written
    assert "Traceback" not in written
    assert written.count("\n") == 1


def test_a_record_that_cannot_be_formatted_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A library's mistake in a log call does not print the words it was about."""
    logs.configure("info", "json")

    library().warning("%d members", SECRET)

    assert "sesame" not in capsys.readouterr().err


@pytest.mark.parametrize(("level", "heard"), [("debug", 0), ("info", 0), ("warning", 1), ("error", 1)])
def test_libraries_are_heard_from_warning_on(capsys: pytest.CaptureFixture[str], level: str, heard: int) -> None:
    """What libraries say below a warning is not written, however much of ours is."""
    logs.configure("debug", "json")

    getattr(library(), level)("words")

    assert len(json_lines(capsys)) == heard


def test_our_own_standard_records_lose_their_words_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A line that does not come from structlog cannot be trusted to hold no text, whoever wrote it."""
    logs.configure("info", "json")

    logging.getLogger("bot.somewhere").warning("member %s", SECRET)

    assert [line["event"] for line in json_lines(capsys)] == ["library.logged"]


# -- as a guest -------------------------------------------------------------------------------------------------------


def test_a_hosts_own_set_up_is_kept() -> None:
    """Where a host has set structlog up, we leave it as it is."""
    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
    try:
        logs.use_standard_library()
        processors = structlog.get_config()["processors"]
    finally:
        structlog.configure(**before)

    assert len(processors) == 1


def test_as_a_plugin_our_lines_go_to_the_hosts_log(caplog: pytest.LogCaptureFixture) -> None:
    """Without a set-up of our own, our lines arrive as records of the standard library, at the host's level."""
    logs.use_standard_library()

    with caplog.at_level(logging.INFO, logger="bot"):
        ours().debug("too.quiet")
        ours().info("bot.ready", platforms=["slack"])

    (record,) = caplog.records
    assert (record.name, record.levelname) == ("bot.test_logs", "INFO")
    assert "bot.ready" in str(record.msg)


def test_the_log_follows_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The log is written to the standard error of the process that set it up."""
    logs.configure("info", "json")
    (handler,) = logging.getLogger().handlers

    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr
