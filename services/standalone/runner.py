"""Conducts one run from start to summary: database, services, terminal view, result files."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.live import Live

from proofwatch.biometrics.rates import Limits
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing
from proofwatch.detection.incident import LogEnd
from proofwatch.events import topics
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import Policy
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of
from proofwatch.runtime.cell_settings import CellSettings
from proofwatch.runtime.logging import configure_logging
from proofwatch.runtime.memory import tune_garbage_collector
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.terminal import Terminal
from proofwatch.scorefile.outcome import Outcome
from services.aggregator.core.calendars import EverybodyIn
from services.aggregator.queries.baseline_source import FILE as BASELINES
from services.aggregator.queries.baseline_source import written
from services.standalone.adapters.embedded_postgres import EmbeddedPostgres
from services.standalone.app import build
from services.standalone.audit import RunLog
from services.standalone.core.shown import as_document, chosen
from services.standalone.database_results import (
    evaluation_of,
    read_cases,
    read_cohorts,
    read_label_counts,
    read_markers,
    read_tenants,
)
from services.standalone.imagery import show
from services.standalone.incidents import document, read_incidents, read_merged
from services.standalone.pictures import write_pictures
from services.standalone.progress import Progress
from services.standalone.report.page import write_report
from services.standalone.results import Results
from services.standalone.session import Session
from services.standalone.stopping import Stopping
from services.standalone.view.screen import View

if TYPE_CHECKING:
    import asyncpg

_QUIET: Final = timedelta(days=2, hours=1)
"""Longer than any window, its grace and the time labels have: after it everything has closed."""


class Ended(NamedTuple):
    """A run that is over, as long as its database is there; `now_ms`: what time it is in it."""

    bus: Bus
    pool: "asyncpg.Pool"
    now_ms: int
    work: Callable[[int], Awaitable[None]]
    """Lets its services go on up to a time: what people did meanwhile is sent, and sequenced in the audit log."""


@dataclass(frozen=True)
class Run:
    """What to run: the input in chunks, under one policy and calendar of all tenants, with results in `out`."""

    title: str
    policy: Policy
    chunks: Callable[[], Iterable[Sequence[Outgoing]]]
    total: int | None
    start_ms: int
    out: Path
    headless: bool
    calendar: Calendar
    segments: tuple[str, ...]
    edges: tuple[float, ...] = ()
    outcome: Outcome | None = None
    """Of a file: what of it was refused, so far by its reader."""
    picture: Callable[[str], bytes] | None = None
    """The picture of a transaction, by its id; None: there are none."""
    log: str = "day"
    """What the input is called."""
    last_ms: int | None = None
    """When the last transaction is; None: it is known only when it is fed."""
    then: Callable[[dict[str, Any], Ended], Awaitable[None]] | None = None
    """What comes when all is written, while the database is there."""


async def carry_out(run: Run, progress: Progress | None = None, stopping: Stopping | None = None) -> dict[str, Any]:
    """Run to the end; return the summary, which is also in `summary.json`. `progress` learns how far it is.

    Whoever interrupts it (`stopping`) gets what was found so far: the summary says `interrupted` then.
    """
    progress = progress or Progress(run.title, run.out)
    results = Results(run.out)
    async with AsyncExitStack() as stack:
        stopping = stack.enter_context(stopping or Stopping(run.title))
        stack.callback(results.close)
        log = stack.enter_context((run.out / "proofwatch.log").open("w", encoding="utf-8"))
        configure_logging("info", "standalone", log)
        stack.callback(logging.getLogger().handlers.clear)
        database = stack.enter_context(EmbeddedPostgres())
        await migrate(database.dsn)
        pool = await create_pool(database.dsn, alone=True)
        stack.push_async_callback(pool.close)
        system, conservation = build(
            run.policy,
            pool,
            run.start_ms,
            edges=run.edges,
            calendars=EverybodyIn(TenantDays([(0, run.calendar)])),
            last_ms=run.last_ms,
            kept=(topics.TRANSACTIONS, topics.VERDICTS) if run.then else (),
        )
        session = Session(system, results, conservation, run.outcome, run.calendar)
        tune_garbage_collector()
        await session.start()
        stack.push_async_callback(session.stop)
        await _feed(run, session, progress, stopping)
        progress.writing()
        partial = session.partial
        results.order_notifications()
        write_pictures(session.flagged, run.picture, run.out)
        async with pool.acquire() as connection:
            cohorts = await read_cohorts(connection, run.segments)
            labels = await read_label_counts(connection)
            cases = await read_cases(connection)
            markers = await read_markers(connection)
            baselines = await written(connection)
            tenants = await read_tenants(connection, run.policy, run.segments)
        async with RunLog(system.bus, pool, system.clock) as audit:
            flagged, now_ms = chosen(cases, session.flagged), system.clock.now_ms()
            shown = await show(flagged, audit, pool, database.dsn, now_ms, run.out)
            entries = await audit.exported(run.out)
        results.write_lines("cases.jsonl", cases)
        results.write_lines("markers.jsonl", markers)
        results.write_lines(BASELINES, baselines)
        results.write_document("policy.json", run.policy.model_dump(mode="json"))
        evaluation = evaluation_of(cohorts, run.policy, run.segments)
        results.flush()
        log_end = LogEnd(instant_of(system.heard_ms), run.log)
        if partial is not None:
            log_end = LogEnd(instant_of(partial.now_ms), f"part of the {run.log} that was fed")
        incidents = read_incidents(session.incidents.values(), run.out, log_end)
        merged = read_merged(session.incidents.values(), run.out)
        results.write_lines("incidents.jsonl", map(document, [*incidents, *merged]))
        summary = {"interrupted": partial and partial.document()}
        summary |= session.summary(run.policy, labels, evaluation, cases, incidents, tenants)
        summary["audit"] = {"entries": entries}
        summary["imagery"] = as_document(shown)
        if run.outcome is not None:
            summary["input"] = run.outcome.document()
        results.write_document("summary.json", summary)
        limits, min_trials = Limits.of(run.policy.limits), run.policy.min_trials
        write_report(
            run.out,
            run.title if partial is None else f"{partial.words}: {run.title}",
            summary,
            evaluation,
            cohorts,
            incidents,
            tenants,
            limits=limits,
            min_trials=min_trials,
            small_cell=CellSettings.read().small_cell,
            time_zone=run.calendar.zone,
        )
        if run.then is not None and not stopping.asked:
            stopping.close()
            async with RunLog(system.bus, pool, system.clock) as audit:

                async def work(now_ms: int) -> None:
                    system.clock.advance_to(now_ms)
                    await system.settle()
                    await audit.sequenced()

                await run.then(summary, Ended(system.bus, pool, system.clock.now_ms(), work))
    return summary


async def _feed(run: Run, session: Session, progress: Progress, stopping: Stopping) -> None:
    """Feed the input, showing the view unless the run is headless; where nobody sees one, `progress` speaks."""
    terminal = Terminal(stderr=True)
    progress.speaks = run.headless or not terminal.is_terminal
    if run.headless:
        async for _ in _fed(run, session, progress, stopping):
            pass
        return
    view = View(run.title, run.total, run.calendar.zone)
    with Live(
        console=terminal,
        screen=terminal.is_terminal,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as screen:
        async for _ in _fed(run, session, progress, stopping):
            screen.update(view.render(session.overview, session.sent, session.now_ms), refresh=True)


async def _fed(run: Run, session: Session, progress: Progress, stopping: Stopping) -> AsyncIterator[None]:
    """Yield after each chunk of the input, and after what follows from all of it, or from what there is by then."""
    for chunk in run.chunks():
        await session.send(chunk)
        progress.fed(session.sent, session.now_ms)
        yield
        if stopping.asked:
            await session.break_off(run.total)
            yield
            return
    progress.closing()
    await session.finish(_QUIET)
    yield
