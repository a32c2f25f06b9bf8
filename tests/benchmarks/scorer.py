"""The scorer as the benchmarks run it: one function, `build_scorer`, over the product's own composition root."""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import TopicPartition
from proofwatch.events.topics import STEP_UPS, SUBJECTS
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import Policy, SuspicionRule, load_policy
from proofwatch.governance.regime import FOREVER_MS, Regime
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.metrics import Metrics
from proofwatch.runtime.service import Service
from services.scorer import app
from services.scorer.adapters.governance import Governed, Ungoverned
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.handlers.stage import ScorerStage
from services.scorer.ports import Subjects
from tests.benchmarks.events import PARTITIONS, tenants
from tests.benchmarks.prose import EVERYTHING

Kind = Literal["core", "full", "lane-reads", "lane-copies", "lane-copies-with-headers"]


class Profile(NamedTuple):
    """What to build.

    `core`: validation, rules, Kafka transactions; subjects in memory, no duplicate horizon, no velocity.
    `full`: everything on (`prose.EVERYTHING`), subjects in a real Redis.
    `horizon_minutes` of duplicates, without velocity then, whose horizon is longer; None: as the kind says, or as the
    default policy.
    The other kinds are not the scorer (`lanes`). `tenants` above 0: so many (`events.tenants`), each with a policy of
    its own.
    """

    kind: Kind
    bootstrap: str = ""
    redis_url: str = ""
    max_records: int = 10_000
    horizon_minutes: int | None = None
    tenants: int = 0


class Built(NamedTuple):
    """A scorer that was wired, not started; `features` names what is on, for the page."""

    service: Service
    positions: Callable[[], dict[TopicPartition, int | None]]
    features: Sequence[str]


_CORE: Final = ("validation", "rules", "the subjects' topic", "Kafka transactions, one producer for each partition")


async def build_scorer(profile: Profile) -> Built:
    """Wire the scorer of `profile` on Kafka; the service owns its connections."""
    settings = app.Settings(
        kafka_bootstrap=profile.bootstrap, redis_url=profile.redis_url, batch_max_records=profile.max_records
    )
    bus, clock, full = KafkaBus(profile.bootstrap, "benchmark-scorer"), SystemClock(), profile.kind == "full"
    await bus.start()
    service = app.build(
        settings,
        bus,
        _store(profile, settings),
        policy_of(profile),
        clock,
        follower=_InForce(_regime(profile)) if profile.tenants else None,
        cloud_events=full,
    )
    if full:
        service.observe(Metrics(service.unready))
    [worker] = [part for part in service.parts if isinstance(part, Worker)]
    return Built(service.holding(bus.stop), lambda: worker.positions, (*_CORE, *EVERYTHING) if full else _CORE)


def build_stage(profile: Profile) -> ScorerStage:
    """Return the stage alone, with subjects in memory: for measurements without a broker."""
    clock = SystemClock()
    log = LocalBus({SUBJECTS: PARTITIONS, STEP_UPS: PARTITIONS}, clock)
    governance = Governed(_InForce(_regime(profile))) if profile.tenants else Ungoverned()
    cloud_events = profile.kind == "full"
    return ScorerStage(log, MemorySubjects(86_400), governance, policy_of(profile), clock, cloud_events=cloud_events)


def policy_of(profile: Profile) -> Policy:
    """Return the policy that decides for tenants without one of their own."""
    policy = load_policy()
    changed: dict[str, object] = {}
    if profile.kind == "core":
        changed = {"duplicate_horizon_minutes": 0, "suspicion": SuspicionRule()}
    if profile.horizon_minutes is not None:
        suspicion = SuspicionRule() if profile.kind == "core" else policy.suspicion
        changed["duplicate_horizon_minutes"] = profile.horizon_minutes
        changed["suspicion"] = suspicion.model_copy(update={"subject_velocity": ()})
    return policy.model_copy(update=changed)


class _Known:
    """What a follower's replica has read: one regime for all times."""

    def __init__(self, regime: Regime) -> None:
        self._regime = regime

    def at(self, log_ms: int) -> Regime:
        return self._regime


class _InForce(Follower):
    """A follower that has read everything: what is in force is measured, not how it was signed and read."""

    def __init__(self, regime: Regime) -> None:
        self.replica = _Known(regime)  # type: ignore[assignment]
        self.known_until_ms = FOREVER_MS

    async def start(self) -> None:
        """Know everything."""

    async def step(self, *, idle: bool = False) -> int:
        """Nothing comes."""
        return 0

    async def run(self) -> None:
        """Nothing comes."""

    async def stop(self) -> None:
        """Nothing to close."""

    def unready(self) -> Sequence[str]:
        """Never."""
        return ()


def _regime(profile: Profile) -> Regime:
    """Return a live policy for each tenant; every one differs in its name, hence in its hash and in its verdicts."""
    policy = policy_of(profile)
    own = {name: policy.model_copy(update={"name": name}) for name in tenants(profile.tenants)}
    return Regime(0, FOREVER_MS, policies=own, shadows={}, tenants={})


def _store(profile: Profile, settings: app.Settings) -> Subjects:
    if profile.kind == "core":
        return MemorySubjects(settings.subjects_ttl_s())
    from redis.asyncio import Redis

    from services.scorer.adapters.redis import RedisSubjects

    return RedisSubjects(Redis.from_url(profile.redis_url), settings.subjects_ttl_s())
