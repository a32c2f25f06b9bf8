"""A log of windows and anomalies as windows publishes them, and the stage driven over it, however it is cut."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.detection.findings import WHOLE, Slice
from proofwatch.events import codec, topics
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly, Figure, Incident, Window
from proofwatch.instants import instant_of, ms_of
from services.aggregator.handlers.incidents import IncidentsStage
from tests.unit.aggregator.incidents.memory_store import MemoryStore
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

START_MS: Final = ms_of(MIDNIGHT)
GRACE_MS: Final = 30_000
HORIZON_MS: Final = 72 * 3_600_000
HANDSET: Final[Slice] = ("device_model", "A-1801")
SLICES: Final[dict[Slice, float]] = {WHOLE: 1.0, HANDSET: 0.25, ("os", "android"): 0.6, ("country", "IN"): 0.5}
EVENTS: Final[dict[str, codec.Codec[Any]]] = {topics.ANOMALIES: codec.ANOMALY, topics.WINDOWS: codec.WINDOW}

Log = dict[str, list[Record]]


def window(where: Slice, minute: int, k: int, n: int, *, tenant: str = "bank", revision: int = 1) -> Window:
    """Return a window of five minutes that begins `minute` minutes after midnight."""
    start = MIDNIGHT + timedelta(minutes=minute)
    figure = Figure(
        metric="liveness_fail_rate", k=k, n=n, value=k / n, low=0.0, high=1.0, limit=None, status=None, coverage=None
    )
    return Window(
        schema_version=1,
        window_id=derived_id("window", tenant, *where, minute),
        kind="decisions",
        tenant=tenant,
        segment_name=where[0],
        segment_value=where[1],
        start=start,
        end=start + timedelta(minutes=5),
        length_s=300,
        revision=revision,
        backfill=False,
        counts={},
        sums={},
        sketches={},
        policies={},
        figures=(figure,),
    )


def log_of(seed: int, windows: int = 12) -> Log:
    """Return a log in which a handset's failures rise and fall, its closings spread over some seconds."""
    random, log = Random(seed), Log({topics.ANOMALIES: [], topics.WINDOWS: []})
    firing: dict[tuple[str, Slice], Anomaly] = {}
    for number in range(windows):
        minute, at_ms = number * 5, START_MS + (number + 1) * 300_000 + GRACE_MS
        for tenant in ("bank", "telco"):
            bad = random.random() < 0.5
            for where, share in SLICES.items():
                n = round(1000 * share)
                holds = bad and (where != ("country", "IN") or random.random() < 0.5)
                k = round(0.02 * n) + (150 if holds else 0)
                add(log, window(where, minute, min(k, n), n, tenant=tenant), at_ms)
                before = firing.get((tenant, where))
                if holds and (before is None or random.random() < 0.5):
                    first = before.window_start if before else None
                    revision = before.revision + 1 if before else 1
                    key = minute if first is None else round((first - MIDNIGHT).total_seconds() / 60)
                    fired = anomaly(where, k=min(k, n), n=n, minute=minute, tenant=tenant, first=key, revision=revision)
                    if before:
                        fired = anomaly(
                            where, k=min(k, n), n=n, minute=minute, tenant=tenant, first=key, revision=revision,
                            since=before.since or before.window_start,
                        )  # fmt: skip
                    firing[tenant, where] = fired
                    add(log, fired, at_ms)
                elif not holds and before:
                    add(log, within(firing.pop((tenant, where)), minute), at_ms)
                at_ms += random.choice((0, 0, 0, 300, 1_500))
    return log


def add(log: Log, event: Anomaly | Window, at_ms: int) -> None:
    """Append an event to its topic."""
    topic = topics.ANOMALIES if isinstance(event, Anomaly) else topics.WINDOWS
    records = log[topic]
    records.append(Record(len(records), at_ms, event.tenant.encode(), EVENTS[topic].encode(event)))


class Run:
    """The stage over one log, step by step."""

    def __init__(self, log: Log, store: MemoryStore | None = None) -> None:
        self.log, self.store = log, store or MemoryStore()
        self.stage = IncidentsStage(self.store, HORIZON_MS)
        self.position = dict.fromkeys(log, 0)
        self.output: list[Outgoing] = []

    async def take(self, topic: str, number: int, *, crash: bool = False) -> None:
        """Take the next records of a topic; `crash`: the transaction fails, and the lane begins anew."""
        begin = self.position[topic]
        await self._step(topic, self.log[topic][begin : begin + number], None, crash=crash)

    async def idle(self, topic: str, at_ms: int) -> None:
        """Let the clock say that nothing has come by then."""
        await self._step(topic, (), at_ms, crash=False)

    async def rest(self, number: int = 1_000) -> None:
        """Take what is left, and let time pass."""
        for topic in self.log:
            while self.position[topic] < len(self.log[topic]):
                await self.take(topic, number)
        end_ms = max(record.timestamp_ms for records in self.log.values() for record in records) + 60_000
        for topic in self.log:
            await self.idle(topic, end_ms)

    async def _step(self, topic: str, records: Sequence[Record], at_ms: int | None, *, crash: bool) -> None:
        at, before = TopicPartition(topic, 0), self.store.snapshot()
        known = [self.store.reached.get(at), at_ms, *(record.timestamp_ms for record in records)]
        progress_ms = max((each for each in known if each is not None), default=None)
        position = self.position[topic]
        batch = Batch(at, records, position, position + len(records), progress_ms, 0)
        output = [each for each in await self.stage.step(batch, None) if isinstance(each, Outgoing)]
        if crash:
            self.store.restore(before)
            await self.stage.opened(at, position, None)  # type: ignore[arg-type]
            return
        self.store.reached[at] = progress_ms
        self.position[topic] += len(records)
        self.output += output

    @property
    def told(self) -> list[tuple[int | None, Incident]]:
        """What was published, with its times."""
        return [(each.timestamp_ms, codec.INCIDENT.decode(each.value)) for each in self.output]


def at(minute: float) -> int:
    """Return the log time so many minutes after midnight."""
    return ms_of(instant_of(START_MS)) + round(minute * 60_000)
