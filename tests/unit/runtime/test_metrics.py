"""What a process tells Prometheus is what it committed."""

from collections.abc import Sequence

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proofwatch.bus.dead_letter import dead_letter
from proofwatch.bus.drawn import Drawn
from proofwatch.bus.lane import LaneSettings
from proofwatch.bus.local import LocalBus
from proofwatch.bus.local_fence import LocalFence, LocalOwner
from proofwatch.bus.local_group import Group
from proofwatch.bus.observed import Observed
from proofwatch.bus.port import Batch, Outgoing, Owner, Record, Stage, TopicPartition
from proofwatch.bus.worker import Worker
from proofwatch.events.mending import MENDED
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.metrics import Metrics
from proofwatch.runtime.service import Service
from tests.unit.bus.stages import Recording

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Picky(Recording):
    """Refuses records whose value is `bad`."""

    async def step(self, batch: Batch, tx: object) -> Sequence[Outgoing]:
        copies = await super().step(batch, tx)
        return [
            dead_letter(record, batch.source, "picky", "malformed", "$") if record.value == b"bad" else out
            for record, out in zip(batch.records, copies, strict=True)
        ]


class Drawing(Picky):
    """The same, but what it returns is drawn in parts."""

    async def step(self, batch: Batch, tx: object) -> Drawn:  # type: ignore[override]
        outputs = await super().step(batch, tx)
        return Drawn(iter([outputs[:1], outputs[1:]]))


class Scene:
    """A service of one worker on an in-process bus, observed."""

    def __init__(self, stage: Recording) -> None:
        self.clock = SimulatedClock(10_000)
        self.bus = LocalBus({"in": 2, "out": 2, "in.dlq": 2}, self.clock)
        settings = LaneSettings(max_records=3)
        worker = Worker(self.bus, "picky", ["in"], self.bus.fence("picky"), stage, settings, self.clock)
        self.service = Service("picky", [worker])
        self.metrics = Metrics(self.service.unready)
        self.service.observe(self.metrics)

    async def publish(self, partition: int, *values: bytes) -> None:
        await self.bus.publish([Outgoing("in", b"k", value, partition, 4_000) for value in values])

    def scrape(self) -> Samples:
        _, text = self.metrics.render()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.scrape().get((name, frozenset(labels.items())))


@pytest.mark.parametrize("stage", [Picky, Drawing])
async def test_records_outputs_and_dead_letters_are_counted_by_batch(stage: type[Picky]) -> None:
    """By partition, by topic, by reason; with the sizes of the batches."""
    scene = Scene(stage())
    await scene.publish(0, b"a", b"bad", b"c", b"bad")
    await scene.publish(1, b"a")
    await scene.service.start()
    while await scene.service.step():
        pass
    assert scene.value("proofwatch_records_total", stage="picky", topic="in", partition="0") == 4
    assert scene.value("proofwatch_records_total", stage="picky", topic="in", partition="1") == 1
    assert scene.value("proofwatch_outputs_total", stage="picky", topic="out") == 3
    assert scene.value("proofwatch_outputs_total", stage="picky", topic="in.dlq") == 2
    assert scene.value("proofwatch_dead_letters_total", stage="picky", reason="malformed") == 2
    assert scene.value("proofwatch_batch_records_count", stage="picky") == 3
    assert scene.value("proofwatch_batch_records_bucket", stage="picky", le="1.0") == 2
    assert scene.value("proofwatch_transaction_seconds_count", stage="picky") == 3
    assert scene.value("proofwatch_position", stage="picky", topic="in", partition="0") == 4
    assert scene.value("proofwatch_lag_seconds", stage="picky", topic="in", partition="0") == 6
    await scene.service.stop()


async def test_a_batch_that_failed_counts_once_it_is_committed() -> None:
    """Counters are of what became durable, not of what was tried."""
    stage = Picky(fail=lambda batch: ValueError("no") if len(stage.batches) < 3 else None)
    scene = Scene(stage)
    await scene.publish(0, b"a", b"bad")
    await scene.service.start()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await scene.service.step()
    assert scene.value("proofwatch_records_total", stage="picky", topic="in", partition="0") is None
    await scene.service.step()
    assert scene.value("proofwatch_records_total", stage="picky", topic="in", partition="0") == 2
    await scene.service.stop()


async def test_a_batch_that_was_durable_already_is_not_counted() -> None:
    """An owner on a database leaves out what it has stored; the stage never sees it."""

    class Stored(LocalOwner):
        async def commit(self, batch: Batch, stage: Stage[None]) -> None:
            """Have it all."""

    class Storing(LocalFence):
        async def acquire(self, source: TopicPartition) -> Owner[None]:
            return Stored(self._bus, self._group, source, self._group.bump_epoch(source))

    scene = Scene(Picky())
    at, group = TopicPartition("in", 0), Group({"in": 2})
    owner = await Observed(Storing(scene.bus, group), "picky", scene.metrics).acquire(at)
    await owner.commit(Batch(at, [Record(0, 1, b"k", b"v")], 0, 1, 1, 1), Picky())
    assert scene.value("proofwatch_batch_records_count", stage="picky") is None


async def test_an_idle_batch_moves_the_lag_and_counts_nothing() -> None:
    """A quiet partition does not look as if it lagged."""
    scene = Scene(Picky())
    await scene.publish(0, b"a")
    await scene.service.start()
    await scene.service.step()
    scene.clock.advance_to(500_000)
    await scene.service.step(idle=True)
    assert scene.value("proofwatch_lag_seconds", stage="picky", topic="in", partition="0") == 1
    assert scene.value("proofwatch_batch_records_count", stage="picky") == 1
    await scene.service.stop()


async def test_a_partition_that_moves_away_is_not_reported_any_more() -> None:
    """Position and lag belong to the owner; what was counted stays counted."""
    scene = Scene(Picky())
    await scene.publish(0, b"a")
    await scene.service.start()
    await scene.service.step()
    await scene.service.stop()
    assert scene.value("proofwatch_position", stage="picky", topic="in", partition="0") is None
    assert scene.value("proofwatch_lag_seconds", stage="picky", topic="in", partition="0") is None
    assert scene.value("proofwatch_records_total", stage="picky", topic="in", partition="0") == 1


async def test_readiness_is_asked_at_every_scrape() -> None:
    """0 before the start, 1 while every lane owns its partition."""
    scene = Scene(Picky())
    assert scene.value("proofwatch_ready") == 0
    await scene.service.start()
    await scene.service.step()
    assert scene.value("proofwatch_ready") == 1
    await scene.service.stop()


async def test_no_label_says_anything_of_a_tenant_or_a_person() -> None:
    """Labels are stage, topic, partition, reason, event, field of a schema and the bounds of buckets; all ours."""
    scene = Scene(Picky())
    await scene.publish(0, b"a", b"bad")
    await scene.service.start()
    await scene.service.step()
    samples = {name: {label for label, _ in labels} for name, labels in scene.scrape()}
    assert set().union(*samples.values()) <= {"stage", "topic", "partition", "reason", "le", "event", "field"}
    assert all(name.startswith(("proofwatch_", "process_")) for name in samples)
    await scene.service.stop()


async def test_values_that_were_put_right_are_counted_by_event_and_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding noise and descriptions that were cut are seen before anybody misses them."""
    monkeypatch.setitem(MENDED, ("transaction", "match_score"), 3)
    scene = Scene(Recording())
    assert scene.value("proofwatch_values_mended_total", event="transaction", field="match_score") == 3
