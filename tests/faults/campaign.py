"""What is done to the workers of a group and to what they stand on, while records flow."""

import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.faults.broker import read_committed
from tests.faults.group import Group
from tests.faults.judge import Verdict, judge
from tests.faults.system import System

DOWN_S: Final = 1.0


class Campaign(Group):
    """Faults, one after another. Each method strikes once and returns when everything affected is at work again.

    Work must have been done since the fault before, and is done after each: both are waited for.
    `refused`: how many commits of each zombie the fence has refused.
    """

    def __init__(self, system: System, workers: int, say: Callable[[str], None]) -> None:
        super().__init__(system, workers, say)
        self.refused: list[int] = []

    def kill(self) -> None:
        """SIGKILL a worker amid a transaction; its supervisor starts it again under the same instance id."""
        victim, held = self.victim()
        caught = self.catch(victim, held)
        victim.kill()
        mark = self.mark("SIGKILL", held, caught)
        victim.start()
        self.over(mark, victim.instance)

    def freeze(self) -> None:
        """SIGSTOP a worker amid a transaction until others have its partitions, then let it go on as a zombie.

        It wakes up within its own cap on a transaction, so it tries to commit.
        """
        victim, held = self.victim()
        caught = self.catch(victim, held)
        mark = self.mark("SIGSTOP", held, caught)
        self.over(mark, victim.instance)
        before = self.refusals(victim)
        victim.thaw()
        woken = self.mark("SIGCONT", range(self.system.partitions))
        self.wait_until(f"work after the wake of {victim.instance}", lambda: woken.over)
        refused = self.refusals(victim) - before
        self.refused.append(refused)
        self.over(woken, f"{victim.instance}, {refused} commits refused")

    def kill_broker(self) -> None:
        """SIGKILL the broker amid transactions; it starts again on the same data."""
        ends: dict[int, int] = {}
        caught: set[int] = set()

        def amid_a_transaction() -> bool:
            ends.update(self.watch.ends())
            caught.update(self.watch.open())
            return bool(caught)

        self.work("SIGKILL of the broker")
        self.wait_until("open transactions", amid_a_transaction)
        self.system.broker.kill()
        mark = self.watch.mark("SIGKILL of the broker", range(self.system.partitions), len(caught))
        mark.settle(ends)
        time.sleep(DOWN_S)
        self.system.broker.start()
        up_s = time.monotonic() - mark.at
        self.over(mark, f"answers after {up_s:.1f} s")

    def kill_redis(self) -> None:
        """SIGKILL Redis; it starts again, empty."""
        redis = self.system.redis
        assert redis, "this system has no Redis"
        self.work("SIGKILL of Redis")
        redis.kill()
        mark = self.watch.mark("SIGKILL of Redis", range(self.system.partitions))
        time.sleep(DOWN_S)
        redis.start()
        mark.settle(self.ends())
        self.over(mark, "restarted empty")

    def scale(self) -> None:
        """Two more workers; then the same two end by SIGTERM."""
        few = len(self.members)
        up, down = f"{few} → {few + 2} workers", f"{few + 2} → {few} workers"
        self.work(up)
        mark = self.watch.mark(up, range(self.system.partitions))
        joined = {self.started + number: self.system.member(self.started + number) for number in range(2)}
        self.started += 2
        self.members |= joined
        for member in joined.values():
            member.start()
        self.held()
        mark.settle(self.ends())
        self.over(mark, "two joined")
        self.work(down)
        held = self.held()
        affected = set[int]().union(*(held[member.instance] for member in joined.values()))
        mark = self.mark(down, affected)
        with ThreadPoolExecutor(len(joined)) as pool:
            seconds = list(pool.map(lambda member: member.stop(30), joined.values()))
        for number in joined:
            del self.members[number]
        self.over(mark, f"ended within {max(seconds):.1f} s")

    def finish(self) -> Verdict:
        """Stop the traffic, let the group catch up, end the workers by SIGTERM and judge the target."""
        self.work("the end")
        self.feeder.stop()
        self.wait_until("the rest", self.watch.caught_up)
        for member in self.members.values():
            member.stop(30)
        seen: dict[Hashable, list[bytes]] = {}
        for record in read_committed(self.system.broker.bootstrap, self.system.target, self.system.partitions):
            seen.setdefault(self.system.scope(record), []).append(record.value)
        return judge(self.system.wanted(self.feeder.sent), seen)


Fault = Callable[[Campaign], None]
Faults = Sequence[Fault]
