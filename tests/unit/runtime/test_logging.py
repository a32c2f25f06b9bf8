"""Logs are lines for an operator: few, each naming its service, a traceback only for a bug."""

import asyncio
import io
import json
import logging
import threading
import warnings
from typing import Any

import pytest
import structlog

from proofwatch.bus.errors import BusUnavailable
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.foreign import OnceAMinute
from proofwatch.runtime.logging import configure_logging


@pytest.fixture
def written() -> io.StringIO:
    """The stream that a process's logging writes to."""
    stream = io.StringIO()
    configure_logging("info", "windows", stream)
    return stream


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


class Told:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append(("warning", event, fields))

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append(("info", event, fields))


def test_a_condition_that_stays_is_one_line_then_one_a_minute_with_a_count() -> None:
    """An outage of two minutes, tried ten times a second, is three lines and one that it is over."""
    told, clock = Told(), Clock()
    away = Condition(told, "database_away", now=clock)
    for tick in range(1250):
        clock.s = tick / 10
        away.holds("ConnectionRefusedError", retry_s=0.1)
    away.clears()
    away.clears()
    state = {"state": "ConnectionRefusedError", "retry_s": 0.1}
    assert told.lines == [
        ("warning", "database_away", state),
        ("warning", "database_away", {**state, "times": 600}),
        ("warning", "database_away", {**state, "times": 600}),
        ("info", "database_away_over", {"times": 1250, "lasted_s": 124.9}),
    ]


def test_another_state_of_the_same_condition_is_told_at_once() -> None:
    """Refused, then starting up: the operator sees the change, and each but once a minute."""
    told, clock = Told(), Clock()
    away = Condition(told, "database_away", now=clock)
    for _ in range(50):
        away.holds("ConnectionRefusedError")
        away.holds("CannotConnectNowError")
    assert [fields["state"] for _, _, fields in told.lines] == ["ConnectionRefusedError", "CannotConnectNowError"]


def test_what_comes_and_goes_is_told_no_more_often_than_what_stays() -> None:
    """Flapping every second for two minutes: at most one beginning and one end a minute."""
    told, clock = Told(), Clock()
    away = Condition(told, "subjects_unavailable", now=clock)
    for second in range(120):
        clock.s = float(second)
        away.holds()
        away.clears()
    assert [event for _, event, _ in told.lines] == ["subjects_unavailable", "subjects_unavailable_over"] * 2
    assert told.lines[2][2] == {"times": 60}


def test_a_library_that_repeats_itself_is_heard_once_a_minute(written: io.StringIO) -> None:
    """A broker that is away made seventy megabytes; messages that differ in numbers are the same message."""
    aiokafka = logging.getLogger("aiokafka")
    for attempt in range(2_000):
        aiokafka.error("Unable connect to node with id %s: %s", attempt % 3, "refused")
        aiokafka.warning(f"Got error for correlation id {attempt}")
    said = lines(written)
    assert [line["level"] for line in said] == ["error", "warning"]
    assert {line["service"] for line in said} == {"windows"}


@pytest.mark.parametrize("library", ["aiokafka.consumer.group_coordinator", "faust.app", "kafka.conn", "mode.services"])
@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["Discovered coordinator", "Heartbeat failed", "Unable to connect"]),
        ("info", ["Heartbeat failed", "Unable to connect"]),
        ("warning", ["Heartbeat failed", "Unable to connect"]),
        ("error", ["Unable to connect"]),
    ],
)
def test_the_progress_of_kafka_clients_is_logged_at_debug_only(
    written: io.StringIO, library: str, level: str, heard: list[str]
) -> None:
    """It was most of the log; what fails is heard as before, and our own lines are what the level says."""
    configure_logging(level, "windows", written)
    log = logging.getLogger(library)
    log.info("Discovered coordinator")
    log.warning("Heartbeat failed")
    log.error("Unable to connect")
    logging.getLogger("services.notifier").info("delivered")
    said = [line["event"] for line in lines(written)]
    assert said == heard + ["delivered"] * (level in ("debug", "info"))


def test_how_often_it_was_is_told_with_the_next_line() -> None:
    """Nothing vanishes: the count is there, by message."""
    clock = Clock()
    once = OnceAMinute(now=clock)

    def let_through(text: str) -> logging.LogRecord | None:
        record = logging.LogRecord("aiokafka", logging.ERROR, __file__, 1, text, None, None)
        return record if once.filter(record) else None

    assert [let_through("away") is not None for _ in range(5)] == [True, False, False, False, False]
    assert let_through("another")
    clock.s = 61.0
    again = let_through("away")
    assert getattr(again, "times", None) == 5


def test_our_own_lines_are_never_held_back(written: io.StringIO) -> None:
    """The same event twice is two facts."""
    log = structlog.get_logger("services.notifier.sender")
    log.warning("notification_retried", attempts=1)
    log.warning("notification_retried", attempts=1)
    assert [line["event"] for line in lines(written)] == ["notification_retried"] * 2


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        BusUnavailable("Kafka does\nnot answer"),
    ],
)
def test_where_an_operator_can_act_there_is_no_traceback(written: io.StringIO, error: Exception) -> None:
    """One line that names the error; from a library as from us."""

    def fails() -> None:
        raise error

    for log in (logging.getLogger("aiokafka"), logging.getLogger("services"), structlog.get_logger("proofwatch.bus")):
        try:
            fails()
        except Exception:
            log.exception("Failed to fetch")
    structlog.get_logger("proofwatch.runtime").error("failed", exc_info=error)
    said = lines(written)
    assert len(said) == 4
    for line in said:
        assert line["error"].startswith(type(error).__name__)
        assert "exception" not in line
        assert "Traceback" not in json.dumps(line)


def test_a_bug_keeps_its_traceback(written: io.StringIO) -> None:
    """Nobody could mend it without."""
    try:
        {"y": 1}["x"]
    except KeyError:
        structlog.get_logger("proofwatch.bus.lanes.lane").exception("failed")
    (line,) = lines(written)
    assert "Traceback" in line["exception"]


def test_every_line_names_its_service_from_any_thread(written: io.StringIO) -> None:
    """Faust's consumer runs in a thread of its own; warnings and uncaught errors are lines like the others."""

    def work() -> None:
        logging.getLogger("faust").warning("in a thread")
        structlog.get_logger("services.x").info("there_too")
        raise KeyError("nobody catches it")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", UserWarning, stacklevel=1)
        warnings.warn("older", UserWarning, stacklevel=1)

    async def careless() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "a task ended unseen"})

    asyncio.run(careless())
    said = lines(written)
    assert [line["event"] for line in said if line["event"] in ("in a thread", "there_too", "uncaught")] == [
        "in a thread",
        "there_too",
        "uncaught",
    ]
    assert len(said) == 6
    assert {line["service"] for line in said} == {"windows"}


@pytest.mark.parametrize(
    "value", ["\x1b]0;owned\x07", "\x9b31m", "ab\u202egpj", "a\r\nproofwatch: all is well", "[red]x"]
)
def test_whatever_a_field_holds_a_line_is_plain_characters(written: io.StringIO, value: str) -> None:
    """An operator looks at logs with any tool; JSON in ASCII acts on none."""
    structlog.get_logger("proofwatch.test").warning("said", name=value)
    logging.getLogger("elsewhere").error("%s is odd", value)
    logging.getLogger("elsewhere").error("broken", exc_info=ValueError(value))
    assert len(written.getvalue().splitlines()) == 3
    assert all(line.isascii() and line.isprintable() for line in written.getvalue().splitlines())
    said, odd, broken = lines(written)
    assert said["name"] == value
    assert odd["event"] == f"{value} is odd"
    assert value in broken["exception"]
