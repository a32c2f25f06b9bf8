"""Each input position comes out exactly once and in order, whatever happens to the processes and to the broker."""

from pathlib import Path
from typing import Final

import pytest

from tests.faults.campaign import Campaign
from tests.faults.lane.world import lane
from tests.faults.table import Report, Row, prove
from tests.support.kafka_broker import KafkaBroker

CAMPAIGNS: Final = (
    Row("worker SIGKILL", (Campaign.kill,) * 15),
    Row("zombie", (Campaign.freeze,) * 5),
    Row("broker SIGKILL", (Campaign.kill_broker,) * 3),
    Row("1 → 3 → 1 workers", (Campaign.scale,) * 5, workers=1),
    Row("control without the fence", (Campaign.freeze,) * 2, exact=False),
)


@pytest.mark.parametrize("row", CAMPAIGNS, ids=lambda row: row.name)
def test_every_position_once_and_in_order(row: Row, kafka_broker: KafkaBroker, tmp_path: Path, report: Report) -> None:
    """All of the input, for a reader of committed records; and not without the fence: this suite would see it."""
    prove(row, lane(kafka_broker, tmp_path, fenced=row.exact), report)
