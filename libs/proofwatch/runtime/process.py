"""The life of one service process: connect, start, serve health, run, and stop on SIGTERM or failure."""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from proofwatch.bus.errors import Halted
from proofwatch.runtime.foreign import operational
from proofwatch.runtime.health import HealthServer
from proofwatch.runtime.logging import configure_logging
from proofwatch.runtime.memory import tune_garbage_collector
from proofwatch.runtime.sampling import look_again_and_again
from proofwatch.runtime.service import Service
from proofwatch.runtime.settings import Settings

if TYPE_CHECKING:
    from proofwatch.runtime.metrics import Metrics

S = TypeVar("S", bound=Settings)
_STOP_SECONDS = 20
_CANCEL_SECONDS = 2
"""A cancellation may be lost in a client library (as in `asyncio.wait_for` before Python 3.12, python/cpython#86296);
then the parts are told to stop without, and their work ends by that."""


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
    told = asyncio.create_task(_told_to_stop())
    life = _Life(name)
    health = HealthServer(settings.health_port, life.unready, settings.health_host, life.render)
    try:  # first of all: what cannot be watched should not take partitions from those that can
        port = await health.start()
    except OSError as error:
        log.error("cannot_start", error=type(error).__name__, reason=_port_taken(settings, error))  # noqa: TRY400
        return 1
    starting = asyncio.create_task(life.start(connect(settings)))
    await asyncio.wait((starting, told), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting], timeout=_STOP_SECONDS)
    elif refusal := starting.exception():
        log.error("cannot_start", error=type(refusal).__name__, reason=" ".join(str(refusal).split()))
    else:
        tune_garbage_collector()
        log.info("started", health_port=port, instance=settings.instance_id, pid=os.getpid())
        await life.run(told)
    await life.stop(log)
    await health.stop()
    log.info("stopped", failed=life.failed)
    told.cancel()
    return 1 if life.failed else 0


async def _told_to_stop() -> None:
    told = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, told.set)
    await told.wait()


class _Life:
    """The service from before it is there until it has stopped, as health checks and scrapes see it."""

    def __init__(self, name: str) -> None:
        self.failed = False
        self._name = name
        self._service: Service | None = None
        self._started = False
        self._running: tuple[asyncio.Task[None], ...] = ()
        self._metrics = _metrics(self.unready, name)
        self.render = self._metrics.render if self._metrics else None

    def unready(self) -> Sequence[str]:
        """Return what the service says, and before it has started that it starts."""
        if not self._service or not self._started:
            return [f"{self._name} is starting"]
        return self._service.unready()

    async def start(self, connecting: Awaitable[Service]) -> None:
        """Connect and start. Raises what either raises."""
        self.failed = True
        self._service = service = await connecting
        if self._metrics:
            service.observe(self._metrics)
        await service.start()
        self._started, self.failed = True, False

    async def run(self, told: "asyncio.Task[None]") -> None:
        """Run until told to stop, or until the service fails; says why."""
        assert self._service is not None
        work = asyncio.create_task(self._service.run())
        looking = []
        if self._metrics:
            looking.append(asyncio.create_task(look_again_and_again(self._service.samplers(), self._metrics)))
        await asyncio.wait((work, told), return_when=asyncio.FIRST_COMPLETED)
        self.failed = work.done()
        if self.failed:
            _say_why(structlog.get_logger(self._name), work.exception())
        else:
            structlog.get_logger(self._name).info("stopping")
        self._running = (work, *looking)
        await self._cancel()

    async def stop(self, log: Any) -> None:
        """Stop what has been started, in bounded time."""
        if not self._service:
            return
        stopping = asyncio.create_task(self._service.stop())
        ended, _ = await asyncio.wait([stopping], timeout=_STOP_SECONDS)
        if not ended:
            stopping.cancel()
            log.warning("stopped_uncleanly", error="TimeoutError", reason=f"not within {_STOP_SECONDS} s")
        elif error := stopping.exception():  # stopping anyway; the next owner fences us
            log.warning("stopped_uncleanly", error=type(error).__name__, reason=str(error))
        await self._cancel()

    async def _cancel(self) -> None:
        """Let what runs end, and say no more of what becomes of it; in bounded time."""
        for task in self._running:
            task.cancel()
        if self._running:
            ended, going_on = await asyncio.wait(self._running, timeout=_CANCEL_SECONDS)
            await asyncio.gather(*ended, return_exceptions=True)
            self._running = tuple(going_on)


def _port_taken(settings: Settings, error: OSError) -> str:
    where = f"{settings.health_host}:{settings.health_port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use by another process: set PROOFWATCH_HEALTH_PORT to a free port, or to 0"
    return f"cannot listen at {where}: {error.strerror or error}; see PROOFWATCH_HEALTH_HOST and PROOFWATCH_HEALTH_PORT"


def _metrics(unready: Callable[[], Sequence[str]], name: str) -> "Metrics | None":
    """Return what counts what the service commits; None without the library, which belongs to the Kafka extra."""
    try:
        from proofwatch.runtime.metrics import Metrics
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        return None
    return Metrics(unready, name)


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
