"""The phases of the journey: a rate that is held, a time without the database, a time without traffic."""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tests.benchmarks.child import Child
from tests.benchmarks.context import Result
from tests.benchmarks.figures import quantile
from tests.benchmarks.journey_reader import STAGES
from tests.benchmarks.journey_system import System
from tests.benchmarks.usage import Usage

LIMIT_S: Final = 2.0
"""A stage keeps up while the oldest input that it has not done became due less long ago."""

GIVE_UP_S: Final = 30.0
"""A stage so far behind does not come back at this rate."""

_READY_S: Final = 60.0
_DRAIN_S: Final = 180.0
_POINTS: Final = 60

Say = Callable[[str], None]


class Look(NamedTuple):
    """What was seen at one moment, `at` monotonic seconds: lags in seconds by stage, counters since the phase began."""

    at: float
    lags: Mapping[str, float]
    line: Mapping[str, Any]

    @property
    def worst(self) -> str:
        """The stage that is furthest behind."""
        return max(STAGES, key=lambda stage: self.lags[stage])

    @property
    def lag(self) -> float:
        """How far it is behind, in seconds."""
        return self.lags[self.worst]


class Traffic:
    """Open-loop traffic of one phase, and the reader that sees where it has come to."""

    def __init__(self, system: System, reader: Child, load: Child, rate: int) -> None:
        self.sent: int | None = None
        self._system, self._reader, self._load, self._rate = system, reader, load, rate
        reader.line(_READY_S)
        self.start: float = load.line(_READY_S)["start"]
        self.late_ms: Mapping[str, float] = {}

    def look(self) -> Look:
        """Wait for the reader's next look. Raises `Failed` when the reader or the generator has ended."""
        line = self._reader.line(_READY_S)
        return Look(line["at"], lags(line, self.start, self._rate, self.sent), line)

    def usage(self) -> Usage:
        """Look at what everybody has used."""
        return self._system.usage(generator=self._load.pid, reader=self._reader.pid)

    def end(self) -> None:
        """Send no more."""
        self._load.end()
        ended = self._load.line(_READY_S * 2)
        self.sent, self.late_ms = ended["sent"], ended["late_ms"]

    def drain(self, say: Say) -> float | None:
        """Wait until everything was done by everybody; return the seconds since now, None: it was not in time."""
        began = time.monotonic()
        while True:
            look = self.look()
            self._system.revive()
            if look.lag == 0:
                return round(look.at - began, 2)
            if look.at - began > _DRAIN_S:
                return None
            say(f"draining, {look.worst} {look.lag:.1f} s behind")


def lags(line: Mapping[str, Any], start: float, rate: float, sent: int | None) -> dict[str, float]:
    """Return by stage how long ago the oldest input that it has not done became due; 0: nothing is.

    `sent`: how many inputs there are, once it is known. Incidents and notifier lag since their input was published.
    """
    found = {"incidents": line["incidents_s"], "notifier": line["notifier_s"]}
    for stage, number in line["oldest"].items():
        ended = number is None or (sent is not None and number >= sent)
        found[stage] = 0.0 if ended else max(0.0, line["at"] - start - number / rate)
    return {stage: round(found[stage], 3) for stage in STAGES}


def hold(system: System, phase: int, rate: int, warm_s: int, seconds: int, say: Say) -> Result:
    """Hold a rate for `seconds` after a warm-up; stop early when a stage falls too far behind."""
    bootstrap = system.world.bootstrap
    reader_ = Child("tests.benchmarks.journey_reader", bootstrap, system.dsn)
    load_ = Child("tests.benchmarks.journey_traffic", bootstrap, phase, rate * (warm_s + seconds + 10), rate)
    with reader_ as reader, load_ as load:
        traffic = Traffic(system, reader, load, rate)
        began = traffic.start + warm_s
        warm, looks = list[Look](), list[Look]()
        before: Usage | None = None
        while True:
            look = traffic.look()
            system.check()
            if look.at < began:
                warm.append(look)
            else:
                before = before or traffic.usage()
                looks.append(look)
            if look.lag > GIVE_UP_S or look.at >= began + seconds:
                break
            say(f"{rate:,}/s, {look.at - traffic.start:.0f} of {warm_s + seconds} s, lag {look.lag:.1f} s")
        after = traffic.usage()
        traffic.end()
        drained_s = traffic.drain(say)
        last = traffic.look()
    held = looks[-1].at - looks[0].at if looks else 0.0
    worst = {stage: max((look.lags[stage] for look in looks), default=math.inf) for stage in STAGES}
    whole = looks and look.lag <= GIVE_UP_S
    costs = _costs(looks, before, after) if before and len(looks) > 1 else {}
    return {
        "rate": rate,
        "phase": phase,
        "seconds": round(held, 1),
        "sent": traffic.sent,
        "verdicts": last.line["verdicts"],
        "repeated": last.line["repeated"],
        "generator_late_ms": traffic.late_ms,
        "lag_s": {stage: _lag([look.lags[stage] for look in looks or warm]) for stage in STAGES},
        "within": bool(whole) and max(worst.values()) <= LIMIT_S,
        "gave_up": look.lag > GIVE_UP_S,
        "drained_s": drained_s,
        "samples": samples([*warm, *looks], began),
        **costs,
    }


def away(system: System, phase: int, rate: int, away_s: int, say: Say) -> Result:
    """Take the database away under traffic; return how long it took to catch up once it was back."""
    bootstrap = system.world.bootstrap
    before_s, bound_s = max(3, away_s // 6), 4 * away_s + 60
    count = rate * (before_s + away_s + bound_s)
    reader_ = Child("tests.benchmarks.journey_reader", bootstrap, system.dsn)
    load_ = Child("tests.benchmarks.journey_traffic", bootstrap, phase, count, rate)
    ended, looks = list[str](), list[Look]()
    with reader_ as reader, load_ as load:
        traffic = Traffic(system, reader, load, rate)

        def until(moment: float, what: str) -> None:
            while not looks or looks[-1].at < moment:
                looks.append(traffic.look())
                ended.extend(system.revive())
                say(f"{rate:,}/s, {what}, lag {looks[-1].lag:.1f} s")

        until(traffic.start + before_s, "before")
        system.stack.postgres.kill()
        try:
            until(time.monotonic() + away_s, "without the database")
        finally:
            system.stack.postgres.start()
        back = time.monotonic()
        until(back, "the database is back")
        lag_then = dict(looks[-1].lags)
        while looks[-1].lag > LIMIT_S and looks[-1].at < back + bound_s:
            until(looks[-1].at + 0.01, "catching up")
        caught_up_s = looks[-1].at - back if looks[-1].lag <= LIMIT_S else None
        traffic.end()
        drained_s = traffic.drain(say)
        last = traffic.look()
    return {
        "rate": rate,
        "phase": phase,
        "away_s": away_s,
        "sent": traffic.sent,
        "verdicts": last.line["verdicts"],
        "repeated": last.line["repeated"],
        "lag_when_back_s": lag_then,
        "caught_up_s": None if caught_up_s is None else round(caught_up_s, 1),
        "ended": sorted(set(ended)),
        "drained_s": drained_s,
        "samples": samples(looks, back),
    }


def idle(system: System, seconds: int, say: Say) -> Result:
    """Return what everybody uses when there is nothing to do."""
    with Child("tests.benchmarks.journey_reader", system.world.bootstrap, system.dsn) as reader:
        first = reader.line(_READY_S)
        before = system.usage(reader=reader.pid)
        line = first
        while line["at"] < first["at"] + seconds:
            line = reader.line(_READY_S)
            system.check()
            say(f"idle, {line['at'] - first['at']:.0f} of {seconds} s")
        spent = system.usage(reader=reader.pid).since(before)
    passed = line["at"] - first["at"]
    return {
        "seconds": round(passed, 1),
        "shares": {name: round(used / passed, 4) for name, used in spent.items()},
        "tallies_per_s": round((line["tallies"] - first["tallies"]) / passed, 2),
        "wal_per_s": round((line["wal"] - first["wal"]) / passed),
    }


def samples(looks: Sequence[Look], zero: float) -> dict[str, list[float]]:
    """Return lags over time, at most so many points: each the greatest of the looks that it stands for."""
    size = max(1, math.ceil(len(looks) / _POINTS))
    parts = [looks[at : at + size] for at in range(0, len(looks), size)]
    columns = {stage: [round(max(each.lags[stage] for each in part), 2) for part in parts] for stage in STAGES}
    return {"at": [round(part[-1].at - zero, 1) for part in parts], **columns}


def _lag(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    return {
        "median": round(quantile(ordered, 0.5), 2),
        "p99": round(quantile(ordered, 0.99), 2),
        "max": round(ordered[-1], 2),
    }


def _costs(looks: Sequence[Look], before: Usage, after: Usage) -> Result:
    first, last = looks[0], looks[-1]
    passed, count = last.at - first.at, last.line["verdicts"] - first.line["verdicts"]
    spent = after.since(before)
    others = after.machine_s - before.machine_s - sum(spent.values())
    if not count:
        return {}
    return {
        "transactions": count,
        "processor_us": {name: round(used / count * 1e6, 1) for name, used in spent.items()},
        "shares": {name: round(used / passed, 3) for name, used in spent.items()},
        "others_share": round(max(0.0, others) / passed / (os.cpu_count() or 1), 3),
        "wal_bytes": round((last.line["wal"] - first.line["wal"]) / count) if first.line["wal"] else None,
        "tallies": round((last.line["tallies"] - first.line["tallies"]) / count, 4),
        "rss_mib": {name: round(mib) for name, mib in after.rss_mib.items()},
    }
