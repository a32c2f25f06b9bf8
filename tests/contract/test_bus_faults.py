"""The lane's promise under faults on a real broker, in its short form; `make faults` runs the long one."""

from pathlib import Path

from tests.faults.lane.campaign import Campaign
from tests.support.kafka_broker import KafkaBroker


def test_kills_a_zombie_and_scaling_lose_and_repeat_nothing(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    """SIGKILL × 2, SIGSTOP past the session timeout, one more worker and one less: once each, in order."""
    with Campaign(kafka_broker.bootstrap, tmp_path) as campaign:
        campaign.kill()
        campaign.kill()
        campaign.freeze()
        campaign.scale()
        campaign.prove()


def test_without_the_fence_a_zombie_publishes_twice(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    """The control: the same measurement finds duplicates when nobody is fenced."""
    with Campaign(kafka_broker.bootstrap, tmp_path, fenced=False, hold_s=0.5) as campaign:
        campaign.freeze()
        assert campaign.finish().twice > 0
