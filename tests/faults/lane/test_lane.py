"""Each input position comes out exactly once and in order, whatever happens to the processes."""

from collections.abc import Callable
from pathlib import Path

from tests.faults.lane.campaign import Campaign
from tests.support.kafka_broker import KafkaBroker

Show = Callable[[Campaign], None]


def test_five_kills(kafka_broker: KafkaBroker, tmp_path: Path, show: Show) -> None:
    """SIGKILL × 5 of either of two workers, mid-transaction."""
    with Campaign(kafka_broker.bootstrap, tmp_path) as campaign:
        for _ in range(5):
            campaign.kill()
        campaign.prove()
    show(campaign)


def test_two_zombies(kafka_broker: KafkaBroker, tmp_path: Path, show: Show) -> None:
    """SIGSTOP past the session timeout × 2: the woken process finds itself fenced."""
    with Campaign(kafka_broker.bootstrap, tmp_path) as campaign:
        for _ in range(2):
            campaign.freeze()
        campaign.prove()
    show(campaign)


def test_scaling_up_and_down(kafka_broker: KafkaBroker, tmp_path: Path, show: Show) -> None:
    """One worker, two, one."""
    with Campaign(kafka_broker.bootstrap, tmp_path, workers=1) as campaign:
        campaign.scale()
        campaign.prove()
    show(campaign)


def test_without_the_fence_zombies_publish_twice(kafka_broker: KafkaBroker, tmp_path: Path, show: Show) -> None:
    """The control: with transactional ids of their own nobody is fenced, and this suite sees the duplicates."""
    with Campaign(kafka_broker.bootstrap, tmp_path, fenced=False) as campaign:
        for _ in range(2):
            campaign.freeze()
        assert campaign.finish().twice > 0
    show(campaign)
