"""The lane's promise under faults on a real broker, in its short form; `make faults` runs the long one."""

from pathlib import Path

from tests.faults.campaign import Campaign
from tests.faults.lane.world import lane
from tests.faults.table import Report, Row, prove
from tests.support.kafka_broker import KafkaBroker


def _ignore(line: str) -> None: ...


def test_kills_a_zombie_and_scaling_lose_and_repeat_nothing(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    """SIGKILL, SIGSTOP past the session timeout, two more workers and two less: once each, in order."""
    faults = (Campaign.kill, Campaign.freeze, Campaign.scale)
    prove(Row("short", faults), lane(kafka_broker, tmp_path), Report(_ignore))


def test_without_the_fence_a_zombie_publishes_twice(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    """The control: the same measurement finds duplicates when nobody is fenced."""
    row = Row("control", (Campaign.freeze,), exact=False)
    assert prove(row, lane(kafka_broker, tmp_path, fenced=False, hold_s=0.5), Report(_ignore)).twice > 0
