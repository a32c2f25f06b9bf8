"""Verdicts do not depend on what happens to the processes that make them."""

from pathlib import Path
from typing import Final

from tests.e2e.world import world
from tests.faults.campaign import Campaign
from tests.faults.scorer.world import scorers
from tests.faults.table import Report, Row, prove

CAMPAIGN: Final = Row(
    "scorer",
    (
        Campaign.kill,
        Campaign.kill,
        Campaign.kill_redis,
        Campaign.kill,
        Campaign.freeze,
        Campaign.kill_broker,
        Campaign.kill,
    ),
)


def test_verdicts_are_those_of_an_undisturbed_run(tmp_path: Path, postgres_dsn: str, report: Report) -> None:
    """Byte by byte, each once, in order of its key; standalone mode decides the same input in peace."""
    with world(tmp_path, postgres_dsn, report.say) as running:
        prove(CAMPAIGN, scorers(running, postgres_dsn, tmp_path), report)
