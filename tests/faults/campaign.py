"""What is done to two worker processes and to what they stand on, while records flow."""

import random
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from confluent_kafka import KafkaException

from tests.faults.broker import Feeder, Seen, read_committed
from tests.faults.judge import Order, Verdict, judge
from tests.faults.watch import Mark, Watch
from tests.support.kafka_broker import KafkaBroker
from tests.support.processes import ServiceProcess
from tests.support.redis_server import RedisServer

RECOVERY_S: Final = 90.0
DOWN_S: Final = 1.0
IN_FLIGHT_S: Final = 0.3  # what a frozen process has sent already is done by then
_FENCED: Final = "Fenced:"


@dataclass(frozen=True)
class System:
    """What is under test, and what its output must be.

    `member` makes a process that is not started yet, from a number that it is known by. `wanted` tells from the number
    of records sent what must be in the target, and `scope` what keeps a record of the target in order.
    """

    broker: KafkaBroker
    group: str
    source: str
    target: str
    partitions: int
    member: Callable[[int], ServiceProcess]
    feed: Callable[[], Feeder]
    wanted: Callable[[int], Order]
    scope: Callable[[Seen], Hashable]
    redis: RedisServer | None = None
    fenced: bool = True


class Campaign:
    """Faults, one after another. Each method strikes once and returns when everything affected is at work again.

    Work must have been done since the fault before, and is done after each: both are waited for.
    `refused`: how many commits of each zombie the fence has refused.
    """

    def __init__(self, system: System, workers: int, say: Callable[[str], None]) -> None:
        self._system = system
        self._say = say
        self._random = random.Random()
        self._members = {f"{number}": system.member(number) for number in range(workers)}
        self._next = workers
        self.refused: list[int] = []

    def __enter__(self) -> Self:
        """Start workers and traffic, and wait until every worker holds partitions and records flow."""
        system = self._system
        self.watch = Watch(system.broker.bootstrap, system.group, system.source, system.target, system.partitions)
        for member in self._members.values():
            member.start()
        self._held()
        self._feeder = system.feed()
        self._await("the first records", lambda: len(self.watch.committed) == system.partitions)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind."""
        self.watch.stop()
        for member in self._members.values():
            member.close()

    def kill(self) -> None:
        """SIGKILL a worker amid a transaction; its supervisor starts it again under the same instance id."""
        victim, held = self._victim()
        caught = self._catch(victim, held)
        victim.kill()
        mark = self._mark("SIGKILL", held, caught)
        victim.start()
        self._over(mark, victim.instance)

    def freeze(self) -> None:
        """SIGSTOP a worker amid a transaction until others have its partitions, then let it go on as a zombie.

        It wakes up within its own cap on a transaction, so it tries to commit.
        """
        victim, held = self._victim()
        caught = self._catch(victim, held)
        mark = self._mark("SIGSTOP", held, caught)
        self._over(mark, victim.instance)
        before = self._refusals(victim)
        victim.thaw()
        woken = self._mark("SIGCONT", range(self._system.partitions))
        self._await(f"work after the wake of {victim.instance}", lambda: woken.over)
        refused = self._refusals(victim) - before
        self.refused.append(refused)
        self._over(woken, f"{victim.instance}, {refused} commits refused")

    def kill_broker(self) -> None:
        """SIGKILL the broker amid transactions; it starts again on the same data."""
        ends: dict[int, int] = {}
        caught: set[int] = set()

        def amid_a_transaction() -> bool:
            ends.update(self.watch.ends())
            caught.update(self.watch.open())
            return bool(caught)

        self._work("SIGKILL of the broker")
        self._await("open transactions", amid_a_transaction)
        self._system.broker.kill()
        mark = self.watch.mark("SIGKILL of the broker", range(self._system.partitions), len(caught))
        mark.settle(ends)
        time.sleep(DOWN_S)
        self._system.broker.start()
        up_s = time.monotonic() - mark.at
        self._over(mark, f"answers after {up_s:.1f} s")

    def kill_redis(self) -> None:
        """SIGKILL Redis; it starts again, empty."""
        redis = self._system.redis
        assert redis, "this system has no Redis"
        self._work("SIGKILL of Redis")
        redis.kill()
        mark = self.watch.mark("SIGKILL of Redis", range(self._system.partitions))
        time.sleep(DOWN_S)
        redis.start()
        mark.settle(self._ends())
        self._over(mark, "restarted empty")

    def scale(self) -> None:
        """Two more workers; then the same two end by SIGTERM."""
        few = len(self._members)
        up, down = f"{few} → {few + 2} workers", f"{few + 2} → {few} workers"
        self._work(up)
        mark = self.watch.mark(up, range(self._system.partitions))
        joined = [f"{number}" for number in (self._next, self._next + 1)]
        self._next += 2
        for name in joined:
            self._members[name] = self._system.member(int(name))
            self._members[name].start()
        self._held()
        mark.settle(self._ends())
        self._over(mark, "two joined")
        self._work(down)
        held = self._held()
        leaving = [self._members.pop(name) for name in joined]
        affected = set[int]().union(*(held[member.instance] for member in leaving))
        mark = self._mark(down, affected)
        with ThreadPoolExecutor(len(leaving)) as pool:
            seconds = list(pool.map(lambda member: member.stop(30), leaving))
        self._over(mark, f"ended within {max(seconds):.1f} s")

    def finish(self) -> Verdict:
        """Stop the traffic, let the group catch up, end the workers by SIGTERM and judge the target."""
        self._work("the end")
        self._feeder.stop()
        self._await("the rest", self.watch.caught_up)
        for member in self._members.values():
            member.stop(30)
        seen: dict[Hashable, list[bytes]] = {}
        for record in read_committed(self._system.broker.bootstrap, self._system.target, self._system.partitions):
            seen.setdefault(self._system.scope(record), []).append(record.value)
        return judge(self._system.wanted(self._feeder.sent), seen)

    def _victim(self) -> tuple[ServiceProcess, set[int]]:
        self._work("the next fault")
        victim = self._members[self._random.choice(sorted(self._members))]
        return victim, self._held()[victim.instance]

    def _held(self) -> Mapping[str, set[int]]:
        """Return who holds what, once every worker does, under its own instance id."""
        held: dict[str, set[int]] = {}
        instances = {member.instance for member in self._members.values()}

        def settled() -> bool:
            held.clear()
            held.update(self.watch.holders())
            return held.keys() == instances and all(held.values())

        self._await(f"partitions for {sorted(instances)}", settled)
        return held

    def _catch(self, victim: ServiceProcess, held: set[int]) -> int:
        """SIGSTOP the victim amid a transaction; return in how many partitions it has one open."""
        caught: set[int] = set()

        def stopped_amid() -> bool:
            victim.freeze()
            try:
                time.sleep(IN_FLIGHT_S)
                seen = self.watch.open() & held
                time.sleep(IN_FLIGHT_S if seen else 0)
                caught.update(seen & self.watch.open())
            finally:
                if not caught:
                    victim.thaw()
                    time.sleep(self._random.uniform(0, IN_FLIGHT_S))
            return bool(caught)

        self._await(f"an open transaction of {victim.instance}", stopped_amid)
        return len(caught)

    def _mark(self, what: str, affected: Iterable[int], caught: int = 0) -> Mark:
        """Note a fault that has struck just now, and what was in the log by then."""
        mark = self.watch.mark(what, affected, caught)
        mark.settle(self._ends())
        return mark

    def _ends(self) -> Mapping[int, int]:
        ends: dict[int, int] = {}
        self._await("the ends of the log", lambda: not ends.update(self.watch.ends()))
        return ends

    def _refusals(self, member: ServiceProcess) -> int:
        return member.log(1_000_000).count(_FENCED)

    def _work(self, what: str) -> None:
        """Wait for work since the fault before, and then a moment of random length."""
        before = self.watch.done
        self._await(f"work before {what}", lambda: self.watch.done > before)
        time.sleep(self._random.uniform(0.3, 1.5))

    def _over(self, mark: Mark, note: str) -> None:
        self._await(f"work after {mark.what} ({note})", lambda: mark.over)
        self._say(f"{mark.describe()}; {note}")

    def _await(self, what: str, true: Callable[[], bool]) -> None:
        until = time.monotonic() + RECOVERY_S
        while not _holds(true):
            for member in self._members.values():
                member.check()
            assert time.monotonic() < until, f"{what}: not within {RECOVERY_S:.0f} s{self._state()}"
            time.sleep(0.02)

    def _state(self) -> str:
        ends, positions = self.watch.ends(), dict(sorted(self.watch.committed.items()))
        return f"; positions {positions} of {ends}, held by {self.watch.holders()}" + "".join(
            f"\n--- {member.instance} ---\n{member.log(20)}" for member in self._members.values()
        )


def _holds(true: Callable[[], bool]) -> bool:
    try:
        return true()
    except KafkaException:
        return False  # a broker that is away or just back: the next look will tell


Fault = Callable[[Campaign], None]
Faults = Sequence[Fault]
