"""The ledger on a real PostgreSQL: joins in any order, labelled days, restatements, dead letters."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from proofwatch import resources
from proofwatch.biometrics.check_evaluation import LivenessEvaluation
from proofwatch.biometrics.evaluation import evaluate_counts, evaluate_scores
from proofwatch.biometrics.spellings import truth_class
from proofwatch.biometrics.trials import ClassCounts, Thresholds, Trials, cohorts_of
from proofwatch.bus.dead_letters.letter import read_dead_letter
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, CONTROL, LABEL, VERDICT, WINDOW
from proofwatch.events.types import Anomaly, Attempts, Basis, Control, Device, Label, Verdict, Window
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters.postgres_ledger import labelled_cohorts
from services.aggregator.app import Settings, build_ledger
from services.aggregator.core.calendars import EVERYBODY_IN_UTC

DAY = datetime(2026, 1, 5, tzinfo=UTC)
COUNTS = dict.fromkeys((topics.TRANSACTIONS, topics.VERDICTS, topics.LABELS), 2)
COUNTS |= dict.fromkeys((topics.WINDOWS, topics.ANOMALIES, topics.CONTROLS), 1)
TOPICS = COUNTS | {topics.dead_letter_topic(topic): 2 for topic in (topics.VERDICTS, topics.LABELS)}


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def verdict(
    transaction: str,
    *,
    tenant: str = "bank",
    at: datetime = DAY,
    logged: datetime | None = None,
    subject: str = "s",
    match: float | None = 0.95,
    liveness: float | None = 0.999,
    segments: dict[str, str] | None = None,
    device: Device | None = None,
) -> Outgoing:
    """A verdict on the bus; a score of None is missing, one below the threshold fails."""
    event = Verdict(
        schema_version=1,
        tenant=tenant,
        transaction_id=transaction,
        subject_ref=subject,
        occurred_at=at,
        decision="accept" if (match or 0) >= 0.85 and (liveness or 0) >= 0.5 else "retry",
        action="none",
        reasons=(),
        match_outcome="missing" if match is None else "pass" if match >= 0.85 else "fail",
        liveness_outcome="missing" if liveness is None else "pass" if liveness >= 0.5 else "fail",
        match_score=match,
        liveness_score=liveness,
        basis=Basis(
            policy_hash="a" * 32,
            controls_version=0,
            patterns_version=0,
            match_threshold=0.85,
            liveness_threshold=0.5,
            attempts_before=Attempts(match=0, liveness=0),
        ),
        segments=segments,
        device=device,
    )
    key = f"{tenant}/{subject}".encode()
    return Outgoing(topics.VERDICTS, key, VERDICT.encode(event), timestamp_ms=milliseconds(logged or at))


def label(
    transaction: str,
    *,
    tenant: str = "bank",
    at: datetime = DAY,
    authority: int = 1,
    label_id: str = "l",
    **says: Any,
) -> Outgoing:
    """A label on the bus: pair=…, presentation=…, pai_species=…."""
    event = Label(
        schema_version=1,
        tenant=tenant,
        transaction_id=transaction,
        label_id=label_id,
        asserted_at=at,
        authority=authority,
        **says,
    )
    key = f"{tenant}/{transaction}".encode()
    return Outgoing(topics.LABELS, key, LABEL.encode(event), timestamp_ms=milliseconds(at))


class World:
    """A ledger on an in-process bus and a database of its own."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.clock = SimulatedClock(milliseconds(DAY))
        self.bus = LocalBus(TOPICS, self.clock)
        self.service = build_ledger(
            Settings(idle_seconds=1.0), self.bus, pool, load_policy(), self.clock, calendars=EVERYBODY_IN_UTC
        )

    async def send(self, *records: Outgoing) -> None:
        await self.bus.publish(records)
        self.clock.advance_to(max([record.timestamp_ms or 0 for record in records], default=0))
        await self.settle()

    async def settle(self) -> None:
        while await self.service.step() or await self.service.step(idle=True):
            pass

    async def until(self, at: datetime) -> None:
        """Let time pass; the lanes see it a second later."""
        self.clock.advance_to(milliseconds(at) + 1000)
        await self.settle()

    async def windows(self, tenant: str = "bank", name: str | None = None) -> list[Window]:
        """Every revision of the windows of one segment (None: the whole tenant), in order of publication."""
        read = [WINDOW.decode(r.value) async for r in self.bus.read(TopicPartition(topics.WINDOWS, 0))]
        return [window for window in read if window.tenant == tenant and window.segment_name == name]

    async def controls(self) -> list[Control]:
        return [CONTROL.decode(r.value) async for r in self.bus.read(TopicPartition(topics.CONTROLS, 0))]

    async def anomalies(self, cadence: str = "daily") -> list[Anomaly]:
        read = [ANOMALY.decode(r.value) async for r in self.bus.read(TopicPartition(topics.ANOMALIES, 0))]
        return [each for each in read if each.cadence == cadence]


@pytest.fixture
async def world(postgres_dsn: str) -> AsyncIterator[World]:
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    made = World(pool)
    await made.service.start()
    yield made
    await made.service.stop()
    await pool.close()


CLOSED = DAY + timedelta(days=2)


async def test_any_order_of_verdict_and_labels_gives_the_same_day(world: World) -> None:
    """A label may come before its verdict; the winning one is by authority, whatever came last."""
    makers: Sequence[Callable[[str], Outgoing]] = (
        lambda tenant: verdict("t", tenant=tenant, match=0.2),
        lambda tenant: label("t", tenant=tenant, label_id="low", pair="impostor", presentation="attack"),
        lambda tenant: label("t", tenant=tenant, label_id="high", authority=5, pair="genuine"),
    )
    tenants = []
    for index, order in enumerate(permutations(makers)):
        tenants.append(f"bank-{index}")
        for make in order:
            await world.send(make(tenants[-1]))
    await world.until(CLOSED)
    for tenant in tenants:
        (window,) = await world.windows(tenant)
        assert window.counts == {
            "genuine.failed": 1, "attack:unknown.passed": 1, "system:attack:unknown.failed": 1
        }  # fmt: skip
        assert window.policies == {"a" * 32: 1}


async def test_a_labelled_day_closes_a_grace_after_its_end(world: World) -> None:
    """Revision 1 comes when every lane has passed the end of the day plus 24 hours, not a moment before."""
    await world.send(verdict("t"), label("t", pair="genuine"))
    await world.until(CLOSED - timedelta(milliseconds=1))
    assert await world.windows() == []
    await world.until(CLOSED)
    (window,) = await world.windows()
    assert (window.revision, window.kind, window.start, window.length_s) == (1, "labelled", DAY, 86_400)
    await world.until(CLOSED + timedelta(days=1))
    assert len(await world.windows()) == 1


async def test_an_overruled_label_restates_the_closed_day_by_one(world: World) -> None:
    """The late flip gives revision 2, with exactly one trial moved, in the whole tenant and in its segment value."""
    for n in range(3):
        await world.send(verdict(f"t{n}", segments={"sex": "female"}), label(f"t{n}", presentation="bona_fide"))
    await world.until(CLOSED)
    late = CLOSED + timedelta(hours=1)
    await world.send(label("t1", at=late, presentation="attack", pai_species="mask"))
    for name in (None, "sex"):
        first, second = await world.windows(name=name)
        assert (first.window_id, first.revision, second.revision) == (second.window_id, 1, 2)
        assert first.counts == {"bona_fide.passed": 3}
        assert second.counts == {"bona_fide.passed": 2, "attack:mask.passed": 1, "system:attack:mask.passed": 1}
        assert sum(second.sketches["bona_fide"].bins.values()) == 2
        assert second.policies == {"a" * 32: 3}


async def test_a_late_verdict_joins_a_label_that_waited(world: World) -> None:
    """The verdict of a day that is long closed brings its label in: one restatement."""
    await world.send(verdict("t0"), label("t0", pair="genuine"), label("t1", pair="genuine"))
    await world.until(CLOSED)
    await world.send(verdict("t1", logged=CLOSED))
    first, second = await world.windows()
    assert (first.counts, second.counts) == ({"genuine.passed": 1}, {"genuine.passed": 2})


async def test_a_label_repeated_or_outranked_restates_nothing(world: World) -> None:
    """What changes no count publishes nothing."""
    await world.send(verdict("t"), label("t", authority=5, pair="genuine"))
    await world.until(CLOSED)
    await world.send(label("t", authority=5, pair="genuine"), label("t", authority=4, pair="impostor"), verdict("t"))
    assert len(await world.windows()) == 1


async def test_a_duplicate_verdict_counts_once(world: World) -> None:
    """Beyond the scorer's horizon a transaction may be decided twice: the one that was logged first counts."""
    hour = timedelta(hours=3)
    await world.send(label("t", pair="genuine"))
    await world.send(verdict("t", match=0.1, at=DAY + hour, logged=DAY + hour, subject="other"))
    await world.send(verdict("t", match=0.9))
    await world.send(verdict("t", match=0.1, logged=DAY + 2 * hour))
    await world.until(CLOSED)
    (window,) = await world.windows()
    assert window.counts == {"genuine.passed": 1}
    assert [figure.coverage for figure in window.figures] == [1.0, 1.0, 1.0]


async def test_figures_carry_limit_status_and_coverage(world: World) -> None:
    """Rates of a labelled day: counts, the policy's limit, status by the interval, share of labelled transactions."""
    for n in range(4):
        await world.send(verdict(f"t{n}", match=0.9 if n else None, liveness=0.9 if n < 3 else 0.1))
        if n < 3:
            await world.send(label(f"t{n}", pair="genuine", presentation="attack" if n == 2 else "bona_fide"))
    await world.until(CLOSED)
    (window,) = await world.windows()
    figures = {f.metric: (f.k, f.n, f.limit, f.status, f.coverage) for f in window.figures}
    assert figures == {
        "fmr": (0, 0, 0.001, "INSUFFICIENT", 0.75),
        "fnmr": (0, 2, 0.03, "INSUFFICIENT", 0.75),
        "fta": (1, 3, None, None, 0.75),
        "apcer": (1, 1, 0.005, "INSUFFICIENT", 0.75),
        "apcer:unknown": (1, 1, 0.005, "BREACH", 0.75),
        "bpcer": (0, 2, 0.01, "INSUFFICIENT", 0.75),
        "apnrr": (0, 1, None, None, 0.75),
        "bpnrr": (0, 2, None, None, 0.75),
        "iapar": (None, None, None, None, 0.75),
        "iapar:unknown": (1, 1, None, None, 0.75),
        "riapar": (None, None, None, None, 0.75),
    }


async def test_a_bad_record_becomes_a_dead_letter_and_the_rest_is_counted(world: World) -> None:
    """Not JSON, another schema, a character that no text column takes, a time before there were any: none stops it."""
    good = label("t", pair="genuine")
    value = good.value or b""
    await world.send(
        verdict("t"),
        good._replace(value=b"{"),
        good._replace(value=value.replace(b'"authority":1', b'"authority":"high"')),
        good._replace(value=value.replace(b'"label_id":"l"', b'"label_id":"\\u0000"')),
        good._replace(value=value.replace(b"2026-", b"0001-")),
        good,
    )
    await world.until(CLOSED)
    (window,) = await world.windows()
    assert window.counts == {"genuine.passed": 1}
    dead = [
        read_dead_letter(record)
        for partition in range(2)
        async for record in world.bus.read(TopicPartition(topics.dead_letter_topic(topics.LABELS), partition))
    ]
    assert [letter.reason for letter in dead] == ["malformed", *["schema_mismatch"] * 3]
    assert "$.authority" in dead[1].message
    assert "U+0000" in dead[2].message
    assert "asserted_at" in dead[3].message


async def test_a_doubled_error_rate_is_a_daily_anomaly(world: World) -> None:
    """False non-matches far above what the policy expects fire an incident review; a backfilled day does not."""
    for day in (DAY - timedelta(days=20), DAY):
        for n in range(40):
            name = f"{day:%d}-{n}"
            score = 0.1 if n < 8 else 0.9
            await world.bus.publish([verdict(name, at=day, logged=DAY, match=score), label(name, pair="genuine")])
    await world.until(CLOSED)
    assert sorted((w.start, w.backfill) for w in await world.windows()) == [
        (DAY - timedelta(days=20), True),
        (DAY, False),
    ]
    (anomaly,) = await world.anomalies()
    assert (anomaly.metric, anomaly.state, anomaly.cadence, anomaly.action) == (
        "fnmr",
        "firing",
        "daily",
        "incident_review",
    )
    assert (anomaly.k, anomaly.n, anomaly.window_start) == (8, 40, DAY)


@pytest.mark.parametrize("at_once", [True, False])
async def test_labelled_days_published_at_once_are_judged_as_if_they_came_one_by_one(
    world: World, at_once: bool
) -> None:
    """Ten days of the log in one batch: none is backfill, and the day that failed is found."""
    sent: list[Outgoing] = []
    for number in range(10):
        for n in range(40):
            name, at = f"{number}-{n}", DAY + timedelta(days=number, minutes=n)
            score = 0.1 if number == 3 and n < 8 else 0.9
            sent += [verdict(name, at=at, subject=f"s{n}", match=score), label(name, at=at, pair="genuine")]
        if not at_once:
            await world.send(*sent)
            sent = []
    await world.send(*sent)
    await world.until(CLOSED + timedelta(days=9))
    assert [(w.start, w.backfill, w.revision) for w in await world.windows()] == [
        (DAY + timedelta(days=number), False, 1) for number in range(10)
    ]
    assert [(a.state, a.window_start) for a in await world.anomalies()] == [
        ("firing", DAY + timedelta(days=3)),
        ("resolved", DAY + timedelta(days=4)),
    ]


async def test_a_labelled_finding_without_further_labels_ends_after_two_weeks(world: World) -> None:
    """Nobody labels the segment any more: it does not fire for ever."""
    for n in range(40):
        await world.bus.publish([verdict(f"{n}", match=0.1 if n < 8 else 0.9), label(f"{n}", pair="genuine")])
    await world.until(CLOSED)
    assert [each.state for each in await world.anomalies()] == ["firing"]
    await world.until(DAY + timedelta(days=14))
    assert len(await world.anomalies()) == 1
    await world.until(DAY + timedelta(days=17))
    assert [(each.state, each.resolution, each.window_start) for each in (await world.anomalies())[1:]] == [
        ("resolved", "no_traffic", DAY + timedelta(days=1))
    ]


async def test_an_apcer_in_breach_turns_step_up_on_and_a_pass_turns_it_off(world: World) -> None:
    """One record each, for the tenant and for the segment value, by their own keys; nothing in between."""
    attack: dict[str, Any] = {"presentation": "attack", "pai_species": "mask"}
    for n in range(40):
        passed = 0.9 if n < 4 else 0.1
        await world.bus.publish([verdict(f"a{n}", liveness=passed, segments={"os": "ios"}), label(f"a{n}", **attack)])
    await world.until(CLOSED)
    on = await world.controls()
    assert [(c.state, c.reason, c.segment_name, c.segment_value) for c in on] == [
        ("on", "apcer_breach", None, None),
        ("on", "apcer_breach", "os", "ios"),
    ]
    assert on[0].evidence["k"] == 4
    assert on[0].evidence["n"] == 40
    late = CLOSED + timedelta(hours=1)
    await world.send(label("a0", at=late, presentation="bona_fide"))
    assert await world.controls() == on  # restated, in breach as before
    next_day = DAY + timedelta(days=1)
    for n in range(700):
        await world.bus.publish(
            [verdict(f"b{n}", at=next_day, liveness=0.1, segments={"os": "ios"}), label(f"b{n}", at=next_day, **attack)]
        )
    await world.until(CLOSED + timedelta(days=1))
    off = (await world.controls())[2:]
    assert [(c.state, c.reason, c.segment_name) for c in off] == [
        ("off", "apcer_pass", None),
        ("off", "apcer_pass", "os"),
    ]
    records = [r async for r in world.bus.read(TopicPartition(topics.CONTROLS, 0))]
    assert [r.key for r in records] == [c.control_id.encode() for c in (*on, *off)]


async def test_the_ledger_evaluates_as_the_raw_scores_do(world: World) -> None:
    """Every k and n of an evaluation from the ledger, segments and `unlabelled` included, is that of the scores."""
    trials = Trials()
    for n in range(120):
        score = None if n % 17 == 0 else round((n * 37 % 101) / 100, 2)
        named = {"sex": ("female", "male", "")[n % 3], "source": ("a", "unlabelled", "", "b")[n % 4]}
        species = ("print", "mask", "", "virtual camera")[n % 4 if n % 3 else 3] if n % 2 else None
        says: Any = {"presentation": "bona_fide" if species is None else "attack", "pai_species": species or None}
        cells = {name: value for name, value in named.items() if value}
        await world.bus.publish([verdict(f"t{n}", liveness=score, segments=cells or None), label(f"t{n}", **says)])
        trial_class = truth_class(says["presentation"], species)
        assert trial_class is not None
        trials.add(trial_class, score, cohorts_of(named))
        if species is not None:
            trials.add_attack(trial_class, 0.95, score, cohorts_of(named))
    await world.settle()
    async with world.pool.acquire() as connection:
        counted = await labelled_cohorts(connection, "bank")
    names = ["sex", "source"]
    online = evaluate_counts(counted, Thresholds(0.85, 0.5), min_trials=5, segments=names)
    offline = evaluate_scores(trials, 0.85, 0.5, min_trials=5, segments=names)

    def rates(liveness: LivenessEvaluation) -> dict[str, tuple[int | None, int | None]]:
        named = {name: getattr(liveness, name) for name in ("apcer", "apcer_pooled", "bpcer", "apnrr", "bpnrr")}
        return {name: (figure.k, figure.n) for name, figure in (named | liveness.apcer_by_species).items()}

    assert online.injection == offline.injection
    assert online.system == offline.system
    assert offline.system is not None
    assert offline.injection is not None
    assert online.liveness is not None
    assert offline.liveness is not None
    assert rates(online.liveness) == rates(offline.liveness)
    assert list(online.segments["source"]) == ["a", "b", "unlabelled"]
    for name in names:
        assert list(online.segments[name]) == list(offline.segments[name])
        for value, segment in offline.segments[name].items():
            assert online.segments[name][value].system == segment.system
            assert online.segments[name][value].injection == segment.injection
            found = online.segments[name][value].liveness
            assert (found is None) == (segment.liveness is None)
            if found is None or segment.liveness is None:
                continue
            assert rates(found) == rates(segment.liveness)


async def test_labels_of_the_release_before_have_their_iapar_after_the_migration(world: World) -> None:
    """It counted nothing of the whole system; what is kept of transactions says it, once, for all and each segment."""
    attack: dict[str, Any] = {"presentation": "attack", "pai_species": "mask"}
    for n in range(6):
        liveness = 0.9 if n < 2 else 0.1
        await world.bus.publish([verdict(f"a{n}", liveness=liveness, segments={"os": "ios"}), label(f"a{n}", **attack)])
    await world.settle()
    async with world.pool.acquire() as connection:
        before = await labelled_cohorts(connection, "bank")
        await connection.execute("delete from ledger.labelled_cells where class like 'system:%'")
        sql = (resources.migrations() / "ledger.sql").read_text(encoding="utf-8")
        for _ in range(2):
            await connection.execute(sql)
            assert await labelled_cohorts(connection, "bank") == before
    assert before[None]["system:attack:mask"] == ClassCounts(2, 4, 0, None)
    assert before["os", "ios"]["system:attack:mask"] == ClassCounts(2, 4, 0, None)
    await world.send(label("a0", at=DAY + timedelta(hours=1), presentation="bona_fide"))
    async with world.pool.acquire() as connection:
        after = await labelled_cohorts(connection, "bank")
    assert after[None]["system:attack:mask"] == ClassCounts(1, 4, 0, None)
