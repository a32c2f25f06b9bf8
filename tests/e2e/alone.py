"""The same input through standalone mode: one process, an in-process bus, the same services."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import orjson
from structlog.testing import capture_logs

from proofwatch.bus.postgres.pool import create_pool
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.migrations import migrate
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from services.standalone import app
from services.standalone.config import SETTINGS
from services.standalone.database_results import read_cases
from services.standalone.results import Results
from services.standalone.session import Session
from tests.e2e.day import START_MS, Day
from tests.e2e.world import SAME_AS_ALONE

_CHUNK: Final = 2_500
NOTIFIED: Final = "select channel, source_topic, source_id, source_revision, status from notifier.notifications"


class Alone(NamedTuple):
    """What a standalone run published, and its cases and notifications."""

    conservation: dict[str, Any]
    verdicts: list[bytes]
    windows: list[bytes]
    anomalies: list[bytes]
    cases: list[dict[str, Any]]
    notifications: list[dict[str, Any]]


async def run_alone(sent: Day, dsn: str, out: Path) -> Alone:
    """Run to the end of the records; what is still open then stays open, as it does on Kafka."""
    with capture_logs():  # the channel `log` would fill the terminal when a test fails
        return await _run(sent, dsn, out)


async def _run(sent: Day, dsn: str, out: Path) -> Alone:
    await migrate(dsn)
    results = Results(out)
    pool = await create_pool(dsn)
    try:
        with patch.object(app, "SETTINGS", {**SETTINGS, **SAME_AS_ALONE}):
            system, conservation = app.build(load_policy(), pool, START_MS, calendars=EVERYBODY_IN_UTC)
        session = Session(system, results, conservation)
        await session.start()
        for records in ([*sent.records, *sent.canaries], sent.late):
            for start in range(0, len(records), _CHUNK):
                await session.send(records[start : start + _CHUNK])
        await session.stop()
        async with pool.acquire() as connection:
            cases = await read_cases(connection)
            notifications = [dict(row) for row in await connection.fetch(NOTIFIED)]
    finally:
        results.close()
        await pool.close()
    published = {
        name: (out / f"{name}.jsonl").read_bytes().splitlines() for name in ("verdicts", "windows", "anomalies")
    }
    return Alone(session.conservation(), cases=cases, notifications=notifications, **published)


def decoded(values: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return events as their JSON says."""
    return [orjson.loads(value) for value in values]
