"""What libraries log, made fit for an operator.

The same thing once a minute, a traceback only for a bug, of the Kafka clients' progress nothing unless it is asked for.
"""

import logging
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from proofwatch.runtime.conditions import EVERY_S

_OURS: Final = ("proofwatch", "services", "__main__")
_KINDS: Final = 500  # remembered; a library whose messages never repeat must not fill the memory
_NUMBERS: Final = re.compile(r"\d+")
_PLACES: Final = re.compile(r"%\S|\W")
_TEMPLATE: Final = 8
_OPERATIONAL: Final = ("aiokafka", "asyncpg", "redis", "faust", "mode", "proofwatch.bus.errors")

_CLIENTS: Final = ("aiokafka", "faust", "kafka", "mode")


def warnings_of_clients(level: int) -> None:
    """Let the Kafka clients log warnings only, or less where `level` is higher; at DEBUG all that they say.

    What they tell below that, of metadata, coordinators and topics, was most of the log of a service.
    """
    wanted = logging.NOTSET if level <= logging.DEBUG else max(level, logging.WARNING)
    for name in _CLIENTS:
        logging.getLogger(name).setLevel(wanted)


class OnceAMinute(logging.Filter):
    """Lets through a message of a library when it is new, then once in `every_s` with `times`.

    Messages that differ in numbers only (nodes, partitions, correlation ids) are the same. Our own loggers are left
    alone: they use `Condition`.
    """

    def __init__(self, every_s: float = EVERY_S, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._every_s = every_s
        self._now = now
        self._told: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log it; adds `times` where it was there more often."""
        if record.levelno < logging.WARNING or record.name.split(".")[0] in _OURS or isinstance(record.msg, dict):
            return True
        kind = (record.name, record.levelno, _NUMBERS.sub("#", _wording(record)))
        now = self._now()
        told_at, since = self._told.pop(kind, (None, 0))
        if told_at is not None and now - told_at < self._every_s:
            self._told[kind] = (told_at, since + 1)
            return False
        self._told[kind] = (now, 0)
        if len(self._told) > _KINDS:
            self._told.popitem(last=False)
        if since:
            record.times = since + 1
        return True


def _wording(record: logging.LogRecord) -> str:
    """Return what makes a message the same as another: its template, or its text where the template is but `%s`."""
    template = str(record.msg)
    return template if len(_PLACES.sub("", template)) >= _TEMPLATE else record.getMessage()


def say_times(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take over `times` from the record that `OnceAMinute` let through."""
    times = getattr(event.get("_record"), "times", None)
    return event if times is None else {**event, "times": times}


def operational(error: BaseException) -> bool:
    """Return whether an operator can act on it: something is away, refuses, or is not as it should be; not a bug."""
    return isinstance(error, OSError | TimeoutError) or any(
        kind.__module__.startswith(_OPERATIONAL) for kind in type(error).__mro__
    )


def say_exception(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Put an operational error in one line, `error`; of anything else the traceback is wanted."""
    info = event.get("exc_info")
    record = event.get("_record")
    if info is True:
        info = sys.exc_info()
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if error is None or not operational(error):
        return structlog.processors.format_exc_info(logger, method, event)
    del event["exc_info"]
    if record is not None:
        record.exc_info = None
    event.setdefault("error", f"{type(error).__name__}: {' '.join(str(error).split())}")
    return event
