"""One run of the whole system over a given input: feed, watch, finish, account."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.bus.dead_letters.letter import read_dead_letter
from proofwatch.bus.records import Outgoing, Record
from proofwatch.detection.incident import Incident
from proofwatch.detection.sentences import incident_news
from proofwatch.events import topics, types
from proofwatch.events.codec import INCIDENT, SUSPICION
from proofwatch.events.mending import MENDED, SCORES
from proofwatch.events.types import DeadLetter
from proofwatch.governance.calendar import UTC_CALENDAR, WEEKDAYS, Calendar
from proofwatch.governance.policy import Policy
from proofwatch.intake import LINE
from proofwatch.scorefile.outcome import Outcome
from services.aggregator.core.incident_groups import SETTLE_MS
from services.scorer.core.conservation import Conservation
from services.standalone.app import OUTPUT_TOPICS, Standalone
from services.standalone.core.overview import Overview
from services.standalone.core.watched import Watched, rates
from services.standalone.output_reader import OutputReader
from services.standalone.results import Results
from services.standalone.stopping import Partial

_DEAD: Final = tuple(spec.name for spec in topics.kafka_specs() if topics.is_dead_letter_topic(spec.name))


class Session:
    """Feeds chunks of records and writes down what comes of them."""

    def __init__(
        self,
        system: Standalone,
        results: Results,
        conservation: Conservation,
        outcome: Outcome | None = None,
        calendar: Calendar = UTC_CALENDAR,
    ) -> None:
        """`outcome` learns of what is refused although the file's reader had no objection. `calendar`: everybody's."""
        self._calendar = calendar
        self.overview = Overview(zone=calendar.zone)
        self.sent = 0
        self.labels_sent = 0
        self.set_apart = 0
        self.seconds = 0.0
        self._began = 0.0
        self._system = system
        self._results = results
        self._conservation = conservation
        self._outcome = outcome
        self._mended_before = MENDED.copy()
        self.incidents: dict[str, types.Incident] = {}
        """Each by its last event."""
        self.flagged: dict[tuple[str, str], Record] = {}
        """By tenant and id of every transaction that a suspicion was raised of, the first one."""
        self.partial: Partial | None = None
        """How far it came, if it was broken off."""
        self._outputs = OutputReader(system.bus, (*OUTPUT_TOPICS, *_DEAD))

    async def start(self) -> None:
        """Start the services, and listen to what they publish."""
        await self._system.start()
        await self._outputs.start()
        self._began = time.monotonic()

    async def stop(self) -> None:
        """Stop everything."""
        await self._outputs.stop()
        await self._system.stop()

    async def send(self, chunk: Sequence[Outgoing]) -> None:
        """Send one chunk of the input through the whole system."""
        await self._system.feed(chunk)
        self._results.write_input(chunk)
        counted = Counter(record.topic for record in chunk)
        apart = counted[topics.dead_letter_topic(topics.TRANSACTIONS)]
        self.sent += counted[topics.TRANSACTIONS] + apart
        self.set_apart += apart
        stamps = [record.timestamp_ms or 0 for record in chunk if record.topic == topics.LABELS]
        self.overview.note_labels(len(stamps), max(stamps, default=0))
        self.labels_sent += counted[topics.LABELS] + counted[topics.dead_letter_topic(topics.LABELS)]
        await self._collect()

    async def finish(self, quiet: timedelta) -> None:
        """Let `quiet` time pass without traffic, so that every window closes, and what follows from that is told."""
        await self._system.pass_time(quiet // timedelta(milliseconds=1))
        await self._system.pass_time(2 * SETTLE_MS)
        await self._collect()
        self.seconds = time.monotonic() - self._began

    async def break_off(self, total: int | None) -> None:
        """Stop feeding, of `total` transactions: what is known by now is told, and what is open is left open.

        Nothing closes for want of traffic, for there would have been more; but what was found in the last seconds is
        made an incident.
        """
        self.partial = Partial(self.sent, total, self.now_ms)
        await self._system.settle()
        await self._system.pass_time(2 * SETTLE_MS)
        await self._collect()
        self.seconds = time.monotonic() - self._began

    async def _collect(self) -> None:
        for topic, records in await self._outputs.drain():
            self.overview.note(topic, records)
            if topics.is_dead_letter_topic(topic):
                letters = [read_dead_letter(record) for record in records]
                self._results.write_dead_letters(msgspec.json.encode(letter) for letter in letters)
                self._account(topic, records, letters)
            else:
                self._results.write_output(topic, records)
            if topic == topics.SUSPICIONS:
                for record in records:
                    told_of = SUSPICION.decode(record.value)
                    self.flagged.setdefault((told_of.tenant, told_of.transaction_id), record)
            if topic == topics.INCIDENTS:
                told = [INCIDENT.decode(each.value) for each in records]
                self.incidents |= {each.incident_id: each for each in told}

    def _account(self, topic: str, records: Sequence[Record], letters: Sequence[DeadLetter]) -> None:
        """Say by the line of the file what was refused of it; what its reader refused is accounted for already."""
        label = topic == topics.dead_letter_topic(topics.LABELS)
        if self._outcome is None or not (label or topic == topics.dead_letter_topic(topics.TRANSACTIONS)):
            return
        for record, letter in zip(records, letters, strict=True):
            if line := dict(record.headers).get(LINE):
                self._outcome.add(letter.message, int(line), label=label)

    @property
    def now_ms(self) -> int:
        """Return the time of the run: that of the newest record."""
        return self._system.clock.now_ms()

    def conservation(self) -> dict[str, Any]:
        """Return what became of the transactions sent; `holds` is whether every one is accounted for, once."""
        totals = self._conservation.totals()
        # what was set apart before the scorer saw it is a dead letter all the same
        consumed, dead_lettered = totals.consumed + self.set_apart, totals.dead_lettered + self.set_apart
        totals = totals._replace(consumed=consumed, dead_lettered=dead_lettered)
        return {**totals._asdict(), "holds": totals.holds and totals.consumed == self.sent}

    def _mended(self) -> dict[str, Any]:
        """Return how many scores were rounding noise, and what else was put right, by event and field."""
        transactions = self._conservation.mended()
        labels = {field: count for (event, field), count in (MENDED - self._mended_before).items() if event == "label"}
        clamped = sum(transactions.pop(score, 0) for score in SCORES)
        return {"clamped": clamped, "mended": {"transactions": transactions, "labels": dict(sorted(labels.items()))}}

    def summary(
        self,
        policy: Policy,
        labels: dict[str, int],
        evaluation: Evaluation,
        cases: Sequence[Mapping[str, Any]],
        incidents: Sequence[Incident],
        tenants: Mapping[str, Watched],
    ) -> dict[str, Any]:
        """Return `summary.json`: what went in, what came out, and the error rates of the labelled part."""
        seen, seconds = self.overview, self.seconds
        strong = [each for each in incidents if each.evidence == "strong"]
        dead = seen.dead_letters[topics.dead_letter_topic(topics.LABELS)]
        return {
            "policy": {"name": policy.name, "hash": policy.hash},
            "calendar": {
                "time_zone": self._calendar.zone,
                "weekend": [WEEKDAYS[day] for day in sorted(self._calendar.weekend)],
                "holidays": [self._calendar.numbered(day).date.isoformat() for day in sorted(self._calendar.holidays)],
            },
            "run": {"seconds": round(seconds, 3), "events_per_second": round(self.sent / max(seconds, 1e-9))},
            "conservation": self.conservation(),
            **self._mended(),
            "labels": {"consumed": self.labels_sent, "dead_lettered": dead, **labels},
            "decisions": dict(sorted(seen.decisions.items())),
            "actions": dict(sorted(seen.actions.items())),
            "outputs": {
                "windows": seen.windows.total(),
                "windows_restated": seen.windows["restated"],
                "anomalies": seen.anomalies.total(),
                "incidents": len(strong),
                "incidents_of_weak_evidence": len(incidents) - len(strong),
                "suspicions": seen.suspicions,
                "cases": len(cases),
                "open_cases": sum(case["state"] != "closed" for case in cases),
                "notifications": seen.notifications,
            },
            "incidents": [incident_news(each) for each in strong],
            "evaluation": msgspec.to_builtins(evaluation),
            "tenants": {tenant: _told(watched) for tenant, watched in tenants.items()},
        }


def _told(watched: Watched) -> dict[str, Any]:
    """Return a tenant as JSON has it: its rates that can have a limit, and the worst groups."""
    figures = {"rates": rates(watched.evaluation), "worst_segments": watched.evaluation.worst_segments}
    return {"transactions": watched.transactions, "labelled": watched.labelled, **msgspec.to_builtins(figures)}
