"""The life of one service process: connect, start, serve health, run, and stop on SIGTERM or failure."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from proofwatch.bus.errors import Halted
from proofwatch.runtime.foreign import operational
from proofwatch.runtime.health import HealthServer
from proofwatch.runtime.logging import configure_logging
from proofwatch.runtime.memory import tune_garbage_collector
from proofwatch.runtime.service import Service
from proofwatch.runtime.settings import Settings

S = TypeVar("S", bound=Settings)
_STOP_SECONDS = 20


def run_process(name: str, settings_type: type[S], connect: Callable[[S], Awaitable[Service]]) -> int:
    """Run one service until it is told to stop (exit code 0) or fails (1: the supervisor restarts it)."""
    settings = settings_type.read()
    configure_logging(settings.log_level, name)
    if sys.platform == "win32":
        raise SystemExit("Proofwatch services run on Linux and macOS")
    import uvloop  # part of the Kafka extra, not of the library

    return uvloop.run(_serve(name, settings, connect))


async def _serve(name: str, settings: S, connect: Callable[[S], Awaitable[Service]]) -> int:
    log = structlog.get_logger(name)
    told = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, told.set)
    try:
        service = await connect(settings)
        metrics = _observing(service)
        await service.start()
    except Exception as error:  # noqa: BLE001 — whatever it is, the operator gets one line and the process ends
        log.error("cannot_start", error=type(error).__name__, reason=str(error))  # noqa: TRY400 — one line, no traceback
        return 1
    tune_garbage_collector()
    health = HealthServer(settings.health_port, service.unready, metrics=metrics)
    port = await health.start()
    log.info("started", health_port=port, instance=settings.instance_id, pid=os.getpid())
    work, stop = asyncio.create_task(service.run()), asyncio.create_task(told.wait())
    await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
    failed = work.done()
    if failed:
        _say_why(log, work.exception())
    work.cancel()
    stop.cancel()
    await asyncio.gather(work, stop, return_exceptions=True)
    try:
        await asyncio.wait_for(service.stop(), _STOP_SECONDS)
    except Exception as error:  # noqa: BLE001 — stopping anyway; the next owner fences us
        log.warning("stopped_uncleanly", error=type(error).__name__, reason=str(error))
    await health.stop()
    log.info("stopped", failed=failed)
    return 1 if failed else 0


def _observing(service: Service) -> Callable[[], tuple[str, bytes]] | None:
    """Count what the service commits; None without the library, which belongs to the Kafka extra."""
    try:
        from proofwatch.runtime.metrics import Metrics
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        return None
    metrics = Metrics(service.unready)
    service.observe(metrics)
    return metrics.render


def _say_why(log: Any, error: BaseException | None) -> None:
    """Log the failure: one line for each cause that an operator can act on, a traceback of what looks like a bug."""
    causes = _leaves(error) if error else []
    for cause in causes:
        if isinstance(cause, Halted):
            log.critical("halted", reason=str(cause))
        elif operational(cause):
            log.error("failed", error=type(cause).__name__, reason=str(cause))
        else:
            log.error("failed", exc_info=cause)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]
