"""The scorer as the benchmarks run it: one function, `build_scorer`, over the product's own composition root."""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from proofwatch.bus.kafka import KafkaBus
from proofwatch.bus.local import LocalBus
from proofwatch.bus.port import TopicPartition
from proofwatch.bus.worker import Worker
from proofwatch.events.topics import STEP_UPS, SUBJECTS
from proofwatch.governance.policy import Policy, SuspicionRule, load_policy
from proofwatch.governance.regime import FOREVER_MS, Regime
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.service import Service
from services.scorer import app
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.handlers import ScorerStage
from services.scorer.ports import Governance, Subjects
from services.scorer.ungoverned import Ungoverned
from tests.benchmarks.events import PARTITIONS, tenants

Kind = Literal["core", "full", "lane-reads", "lane-copies", "lane-copies-with-headers"]


class Profile(NamedTuple):
    """What to build.

    `core`: validation, rules, Kafka transactions; subjects in memory, no duplicate horizon, no velocity.
    `full`: everything on, subjects in a real Redis. `horizon_minutes` None: as the kind says, or as the default policy.
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


_CORE: Final = ("validation", "rules", "subjects' topic", "Kafka transactions with one producer for each partition")
# `features` says what the product has of this list today; the page says what the run did without.
WANTED: Final = ("attempts in Redis", "duplicates", "subject velocity", "CloudEvents headers", "metrics")


async def build_scorer(profile: Profile) -> Built:
    """Wire the scorer of `profile` on Kafka; the service owns its connections."""
    settings = app.Settings(
        kafka_bootstrap=profile.bootstrap, redis_url=profile.redis_url, batch_max_records=profile.max_records
    )
    bus = KafkaBus(profile.bootstrap, "benchmark-scorer")
    await bus.start()
    store, policy, governance = _store(profile, settings), policy_of(profile), _governance(profile)
    service = app.build(settings, bus, store, policy, SystemClock(), governance=governance)
    [worker] = [part for part in service.parts if isinstance(part, Worker)]
    return Built(service.holding(bus.stop), lambda: worker.positions, features(profile))


def features(profile: Profile) -> tuple[str, ...]:
    """Return what is on."""
    return (*_CORE, *WANTED[:3]) if profile.kind == "full" else _CORE


def build_stage(profile: Profile) -> ScorerStage:
    """Return the stage alone, with subjects in memory: for measurements without a broker."""
    clock = SystemClock()
    log = LocalBus({SUBJECTS: PARTITIONS, STEP_UPS: PARTITIONS}, clock)
    return ScorerStage(log, MemorySubjects(86_400), _governance(profile), policy_of(profile), clock)


def policy_of(profile: Profile) -> Policy:
    """Return the policy that decides for tenants without one of their own."""
    policy = load_policy()
    changed: dict[str, object] = {}
    if profile.kind == "core":
        changed = {"duplicate_horizon_minutes": 0, "suspicion": SuspicionRule()}
    if profile.horizon_minutes is not None:
        changed["duplicate_horizon_minutes"] = profile.horizon_minutes
    return policy.model_copy(update=changed)


class _InForce:
    """Implements `ports.Governance`: one regime for all times."""

    def __init__(self, regime: Regime) -> None:
        self._regime = regime

    def knows(self, log_ms: int) -> bool:
        return True

    def at(self, log_ms: int) -> Regime:
        return self._regime


def _governance(profile: Profile) -> Governance:
    """Return a live policy for each tenant; every one differs in its name, hence in its hash and in its verdicts."""
    if not profile.tenants:
        return Ungoverned()
    policy = policy_of(profile)
    own = {name: policy.model_copy(update={"name": name}) for name in tenants(profile.tenants)}
    return _InForce(Regime(0, FOREVER_MS, policies=own, shadows={}, tenants={}))


def _store(profile: Profile, settings: app.Settings) -> Subjects:
    if profile.kind == "core":
        return MemorySubjects(settings.subjects_ttl_s())
    from redis.asyncio import Redis

    from services.scorer.adapters.redis import RedisSubjects

    return RedisSubjects(Redis.from_url(profile.redis_url), settings.subjects_ttl_s())
