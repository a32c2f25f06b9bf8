"""Structured logs: an event name plus fields, one JSON object a line; never imagery, secrets or subject data."""

import logging
import sys
import threading
from types import TracebackType
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from proofwatch.runtime.foreign import OnceAMinute, say_exception, say_times, warnings_of_clients

WITHHELD: Final = frozenset(
    {"subject_ref", "imagery_ref", "imagery_sha256", "segments", "value", "payload", "secret", "password", "dsn"}
)
"""Field names whose values never reach a log line, whoever passes them."""


def withhold(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of a field that must not be logged; the name stays, so that the mistake is visible."""
    for name in WITHHELD & event.keys():
        event[name] = "[withheld]"
    return event


def configure_logging(level: str, service: str, stream: TextIO | None = None) -> None:
    """Send structlog, the standard library's loggers, warnings and uncaught errors to `stream` as JSON lines.

    Every line names the service, whichever thread it comes from. `stream` None: standard error.
    """

    def of_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        of_service,
        withhold,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(OnceAMinute())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, say_times],
            processors=[
                say_exception,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    warnings_of_clients(root.level)
    withhold_requests()
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def withhold_requests() -> None:
    """Let the Kafka client log warnings of its connections only.

    Below that it logs every request, the one with the password among them, and a line for every connection.
    """
    logging.getLogger("aiokafka.conn").setLevel(logging.WARNING)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Log what nobody caught; it would be plain text in the middle of the JSON lines otherwise."""
    if isinstance(error, KeyboardInterrupt):
        return
    logging.getLogger("proofwatch").critical("uncaught", exc_info=(kind, error or kind(), trace))
