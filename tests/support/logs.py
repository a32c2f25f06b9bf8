"""What a test changes of this process's logging ends with it: commands and services configure it for all."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import structlog

_CLIENTS: Final = ("aiokafka", "aiokafka.conn", "asyncio", "faust", "httpcore", "httpx", "kafka", "mode")


@contextmanager
def loggers_uncached() -> Iterator[None]:
    """Let no logger of a module keep a configuration, which would outlive the test or the fixture that made it."""
    configure = structlog.configure

    def uncached(**settings: Any) -> None:
        configure(**settings | {"cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", uncached)
        yield


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Put handlers, levels, hooks and structlog's configuration back."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in _CLIENTS}
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    sys.excepthook, threading.excepthook = hooks
    structlog.reset_defaults()
