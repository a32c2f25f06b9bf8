"""The day as records in time order, ready for the bus: transactions, resends, malformed ones, late labels."""

import heapq
import itertools
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from math import prod
from random import Random
from typing import Final

import msgspec

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import Device, Label, Timings, Transaction
from proofwatch.simulation import pictures
from proofwatch.simulation.people import Person, draw, draw_handset, duration, fails, liveness_score, match_score
from proofwatch.simulation.scenario import (
    AGE_BANDS,
    COUNTRIES,
    HANDSETS,
    HOURLY,
    SDK_VERSIONS,
    SEXES,
    TENANTS,
    Release,
    Scenario,
    Wave,
)

HOUR_MS: Final = 3_600_000
_GOLDEN: Final = (5**0.5 - 1) / 2
"""Its multiples spread evenly, without drawing at random."""
_MALFORMED: Final = (
    b'{"schema_version": 1, "tenant": ',
    b'{"schema_version": 9, "tenant": "harbour-bank"}',
    b'{"schema_version": 1, "tenant": "harbour-bank", "liveness_score": NaN}',
)
_encode = msgspec.json.Encoder().encode


def simulate(scenario: Scenario) -> Iterator[Outgoing]:
    """Yield `scenario.events` transaction records and their labels, ordered by timestamp.

    Each record's `timestamp_ms` is its event time (milliseconds since the Unix epoch).
    """
    return _Day(scenario).records()


class _Day:
    """The queue of what happens next; ties are broken by the order of scheduling."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.random = Random(scenario.seed)
        self.start_ms = round(scenario.start.timestamp() * 1000)
        self.tick = itertools.count()
        self.left = scenario.events
        self.queue: list[tuple[int, int, Person | Outgoing]] = []
        self.people = itertools.count(1)
        self.transactions = itertools.count(1)

    def records(self) -> Iterator[Outgoing]:
        """Merge arrivals with what is queued (retries, resends, labels) and yield in time order."""
        for at_ms, wave in self._arrivals():
            yield from self._due(at_ms)
            self._push(at_ms, self._person(wave))
        yield from self._due(None)

    def _due(self, before_ms: int | None) -> Iterator[Outgoing]:
        """Yield what is queued before `before_ms` (None: all); once the day is full only labels are left."""
        while self.queue and (before_ms is None or self.queue[0][0] < before_ms):
            at_ms, _, item = heapq.heappop(self.queue)
            if isinstance(item, Person) or item.topic == topics.TRANSACTIONS:
                if self.left == 0:
                    continue
                self.left -= 1
            yield self._proof(at_ms, item) if isinstance(item, Person) else item

    def _push(self, at_ms: int, item: Person | Outgoing) -> None:
        heapq.heappush(self.queue, (at_ms, next(self.tick), item))

    def _arrivals(self) -> Iterator[tuple[int, Wave | None]]:
        """Yield who arrives when: the day's profile, and each wave evenly over its hours."""
        scenario, count = self.scenario, self.scenario.events
        regular = ((self._profile((i + 0.5) / count), None) for i in range(count))
        waves = []
        for wave in scenario.waves:
            size = round(count * wave.share)
            scale = scenario.hours / 24 * HOUR_MS
            step = (wave.to_hour - wave.from_hour) * scale / max(1, size)
            first = self.start_ms + wave.from_hour * scale
            waves.append([(round(first + i * step), wave) for i in range(size)])
        return heapq.merge(regular, *waves, key=lambda arrival: arrival[0])

    def _profile(self, quantile: float) -> int:
        """Return the time by which `quantile` of the day's regular arrivals have come."""
        mark = quantile * _CUMULATIVE[-1]
        hour = bisect_right(_CUMULATIVE, mark) - 1
        within = (mark - _CUMULATIVE[hour]) / HOURLY[hour]
        return self.start_ms + round((hour + within) * HOUR_MS * self.scenario.hours / 24)

    def _person(self, wave: Wave | None) -> Person:
        random, scenario = self.random, self.scenario
        number = next(self.people)
        handset = draw_handset(random)
        if wave:
            handset = next(h for h in HANDSETS if h.model == wave.handset)
        return Person(
            tenant=wave.tenant if wave else draw(random, TENANTS),
            ref=f"s-{number:08d}",
            kind="attack" if wave else "impostor" if random.random() < scenario.impostors else "bona_fide",
            species=random.choice(wave.species) if wave else None,
            handset=handset,
            sdk_version=draw(random, SDK_VERSIONS),
            segments={
                "sex": draw(random, SEXES),
                "age_band": draw(random, AGE_BANDS),
                "country": draw(random, COUNTRIES),
            },
            poor_document=random.random() < scenario.poor_documents,
            place=number * _GOLDEN % 1.0,
        )

    def _proof(self, at_ms: int, person: Person) -> Outgoing:
        """One try of a person; schedules the next try, a resend and the label."""
        random, scenario = self.random, self.scenario
        transaction_id = f"t-{next(self.transactions):09d}"
        key = f"{person.tenant}/{person.ref}".encode()
        if random.random() < scenario.malformed:
            return Outgoing(topics.TRANSACTIONS, key, random.choice(_MALFORMED), timestamp_ms=at_ms)
        using = self._using(at_ms, person)
        match = match_score(random, person, scenario, sum(each.shift for each in using.values()))
        liveness = liveness_score(random, person, scenario, prod(each.harder for each in using.values()))
        slower = prod(each.slower for each in using.values())
        versions = {name: each.version for name, each in using.items()}
        event = Transaction(
            schema_version=1,
            tenant=person.tenant,
            transaction_id=transaction_id,
            subject_ref=person.ref,
            occurred_at=_moment(at_ms),
            match_score=match,
            liveness_score=liveness,
            device=Device(
                ref=f"d-{person.ref[2:]}",
                model=person.handset.model,
                os=person.handset.os,
                os_version=person.handset.os_version,
                sdk_version=versions.get("sdk_version", person.sdk_version),
            ),
            timings=Timings(
                capture_ms=duration(random, 1800 * person.handset.difficulty * slower),
                upload_ms=duration(random, 320),
                match_ms=duration(random, 95),
                liveness_ms=duration(random, 140),
            ),
            segments=person.segments,
            imagery_ref=f"s3://{pictures.BUCKET}/{pictures.key(person.tenant, transaction_id)}",
            imagery_sha256=pictures.digest(scenario.seed, transaction_id) if scenario.pictures else None,
            imagery_media_type=pictures.MEDIA_TYPE if scenario.pictures else None,
            matcher_version=versions.get("matcher_version", scenario.matcher_version),
            pad_version=versions.get("pad_version", scenario.pad_version),
        )
        record = Outgoing(topics.TRANSACTIONS, key, _encode(event), timestamp_ms=at_ms)
        person.tries += 1
        if fails(match, liveness) and person.tries < scenario.attempts:
            self._push(at_ms + random.randint(30_000, 180_000), person)
        if random.random() < scenario.resends:
            late = at_ms + random.randint(1_000, 20_000)
            self._push(late, record._replace(timestamp_ms=late))
        self._label(at_ms, person, transaction_id)
        return record

    def _using(self, at_ms: int, person: Person) -> dict[str, Release]:
        """Return the releases that a person uses by then, by field."""
        hour = (at_ms - self.start_ms) / HOUR_MS * 24 / self.scenario.hours
        return {
            each.field: each
            for each in self.scenario.releases
            if each.from_hour <= hour < each.to_hour
            and person.place < each.share
            and each.tenant in (None, person.tenant)
        }

    def _label(self, at_ms: int, person: Person, transaction_id: str) -> None:
        random, scenario = self.random, self.scenario
        share = scenario.label_share if person.kind == "bona_fide" else scenario.attack_label_share
        if random.random() >= share:
            return
        low, high = scenario.label_delay_hours
        late = at_ms + round(random.uniform(low, high) * HOUR_MS)
        label = Label(
            schema_version=1,
            tenant=person.tenant,
            transaction_id=transaction_id,
            label_id=f"l-{transaction_id}",
            asserted_at=_moment(late),
            authority=40 if person.kind == "bona_fide" else 60,
            pair=person.pair,
            presentation="attack" if person.kind == "attack" else "bona_fide",
            pai_species=person.species,
            sampling_probability=share,
        )
        key = f"{person.tenant}/{transaction_id}".encode()
        self._push(late, Outgoing(topics.LABELS, key, _encode(label), timestamp_ms=late))


_CUMULATIVE: Final = tuple(itertools.accumulate(HOURLY, initial=0))


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)
