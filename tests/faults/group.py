"""The processes of one group under load: who holds what, waiting for work, and catching a victim amid a transaction."""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Final, Self

from confluent_kafka import KafkaException

from tests.faults.system import System
from tests.faults.watch import Mark, Watch
from tests.support.processes import ServiceProcess

RECOVERY_S: Final = 90.0
IN_FLIGHT_S: Final = 0.3  # what a frozen process has sent already is done by then
_FENCED: Final = "Fenced:"


class Group:
    """Workers and traffic from `with` on. Every wait fails after 90 s, and at once when a worker ends by itself."""

    def __init__(self, system: System, workers: int, say: Callable[[str], None]) -> None:
        self.system = system
        self.members = {number: system.member(number) for number in range(workers)}
        self.started = workers
        self._say = say
        self._random = random.Random()

    def __enter__(self) -> Self:
        """Start workers and traffic, and wait until every worker holds partitions and records flow."""
        system = self.system
        self.watch = Watch(system.broker.bootstrap, system.group, system.source, system.target, system.partitions)
        for member in self.members.values():
            member.start()
        self.held()
        self.feeder = system.feed()
        self.wait_until("the first records", lambda: len(self.watch.committed) == system.partitions)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind."""
        self.watch.stop()
        for member in self.members.values():
            member.close()

    def victim(self) -> tuple[ServiceProcess, set[int]]:
        """Return a worker and what it holds, at a random moment after more work was done."""
        self.work("the next fault")
        victim = self._random.choice(list(self.members.values()))
        return victim, self.held()[victim.instance]

    def held(self) -> Mapping[str, set[int]]:
        """Return who holds what, once every worker does, under its own instance id."""
        held: dict[str, set[int]] = {}
        instances = {member.instance for member in self.members.values()}

        def settled() -> bool:
            held.clear()
            held.update(self.watch.holders())
            return held.keys() == instances and all(held.values())

        self.wait_until(f"partitions for {sorted(instances)}", settled)
        return held

    def catch(self, victim: ServiceProcess, held: set[int]) -> int:
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

        self.wait_until(f"an open transaction of {victim.instance}", stopped_amid)
        return len(caught)

    def mark(self, what: str, affected: Iterable[int], caught: int = 0) -> Mark:
        """Note a fault that has struck just now, and what was in the log by then."""
        mark = self.watch.mark(what, affected, caught)
        mark.settle(self.ends())
        return mark

    def ends(self) -> Mapping[int, int]:
        """Return the end of each partition of the source."""
        ends: dict[int, int] = {}
        self.wait_until("the ends of the log", lambda: not ends.update(self.watch.ends()))
        return ends

    def refusals(self, member: ServiceProcess) -> int:
        """Return how many commits of a worker the fence has refused, by its log."""
        return member.log(1_000_000).count(_FENCED)

    def work(self, what: str) -> None:
        """Wait for work since the fault before, and then a moment of random length."""
        before = self.watch.done
        self.wait_until(f"work before {what}", lambda: self.watch.done > before)
        time.sleep(self._random.uniform(0.3, 1.5))

    def over(self, mark: Mark, note: str) -> None:
        """Wait until everything affected is at work again, and say so."""
        self.wait_until(f"work after {mark.what} ({note})", lambda: mark.over)
        self._say(f"{mark.describe()}; {note}")

    def wait_until(self, what: str, true: Callable[[], bool]) -> None:
        """Wait until `true`; a broker that does not answer counts as not yet."""
        until = time.monotonic() + RECOVERY_S
        while not _holds(true):
            for member in self.members.values():
                member.check()
            assert time.monotonic() < until, f"{what}: not within {RECOVERY_S:.0f} s{self._state()}"
            time.sleep(0.02)

    def _state(self) -> str:
        ends, positions = self.watch.ends(), dict(sorted(self.watch.committed.items()))
        return f"; positions {positions} of {ends}, held by {self.watch.holders()}" + "".join(
            f"\n--- {member.instance} ---\n{member.log(20)}" for member in self.members.values()
        )


def _holds(true: Callable[[], bool]) -> bool:
    try:
        return true()
    except KafkaException:
        return False  # a broker that is away or just back: the next look will tell
