"""Structured logs: an event name plus fields, one JSON object a line; never imagery, secrets or subject data."""

import logging
import sys
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

WITHHELD: Final = frozenset({"subject_ref", "imagery_ref", "segments", "value", "payload", "secret", "password", "dsn"})
"""Field names whose values never reach a log line, whoever passes them."""


def withhold(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of a field that must not be logged; the name stays, so that the mistake is visible."""
    for name in WITHHELD & event.keys():
        event[name] = "[withheld]"
    return event


def configure_logging(level: str, service: str, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's loggers to `stream` as JSON lines, each naming the service.

    `stream` None: standard error.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        withhold,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    structlog.contextvars.bind_contextvars(service=service)
