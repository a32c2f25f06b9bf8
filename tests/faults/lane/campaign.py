"""Child processes with one worker each, and what is done to them while records flow."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from tests.faults.lane.traffic import Feeder, Mark, Topics, Verdict, View, judge

RATE = 1_500
FROZEN_S = 14.0  # beyond the session timeout of 10 s, within the transaction timeout of 20 s
RECOVERY_S = 90.0
ROOT = Path(__file__).parents[3]


class Campaign:
    """One source, one target, one group; two workers unless scaled."""

    def __init__(
        self, bootstrap: str, logs: Path, *, fenced: bool = True, workers: int = 2, hold_s: float = 0.1
    ) -> None:
        """`hold_s`: seconds that each transaction stays open, so that faults meet it."""
        run = uuid4().hex[:8]
        self.topics = Topics(bootstrap, f"fault-in-{run}", f"fault-out-{run}", f"fault-{run}")
        self._logs = logs
        self._fenced = fenced
        self._first = workers
        self._hold_s = hold_s
        self._random = random.Random(run)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.self_exits: list[int] = []

    def __enter__(self) -> Self:
        """Create the topics, start workers and traffic, and wait until records flow."""
        self.topics.create()
        for number in range(self._first):
            self._start(number)
        self.view, self._feeder = View(self.topics), Feeder(self.topics, RATE)
        self._await("the first records", lambda: self.view.done > RATE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind."""
        self.view.stop()
        for process in self._processes.values():
            process.kill()
            process.wait()

    def kill(self) -> None:
        """SIGKILL a worker; its supervisor starts it again at once under the same instance id."""
        number = self._any()
        mark = self._mark(f"kill {number}")
        self._processes[number].kill()
        self._processes[number].wait()
        self._start(number)
        self._recover(mark)

    def freeze(self) -> None:
        """SIGSTOP a worker until the others have taken over, then let it go on as a zombie."""
        number = self._any()
        mark = self._mark(f"freeze {number}")
        self._processes[number].send_signal(signal.SIGSTOP)
        time.sleep(FROZEN_S)
        self._processes[number].send_signal(signal.SIGCONT)
        woken = self._mark(f"wake {number}", moved=False)
        self._recover(mark)
        self._recover(woken)

    def scale(self) -> None:
        """Add a worker, then end it with SIGTERM."""
        number = max(self._processes) + 1
        mark = self._mark("scale up")
        self._start(number)
        self._recover(mark)
        time.sleep(2)
        mark = self._mark("scale down")
        leaving = self._processes.pop(number)
        leaving.terminate()
        assert leaving.wait(30) == 0, f"worker {number} did not leave cleanly"
        self._recover(mark)

    def prove(self) -> None:
        """Finish, and assert that a reader of committed records saw each input position once and in order."""
        verdict = self.finish()
        assert (verdict.lost, verdict.twice, verdict.disordered) == (0, 0, 0), self.summary()
        assert verdict.seen == verdict.source > 0

    def finish(self) -> Verdict:
        """Stop the traffic, let the group catch up, end the workers and judge the target."""
        self._feeder.stop()
        self._await("the rest", lambda: bool(self.view.ends) and self._caught_up())
        for process in self._processes.values():
            process.terminate()
        for number, process in self._processes.items():
            assert process.wait(30) == 0, f"worker {number} did not end cleanly: see {self._log(number)}"
        self.verdict = judge(self.topics)
        return self.verdict

    def summary(self) -> str:
        """Return one line of JSON: the verdict and the seconds each fault took to be over."""
        faults: list[Any] = [[mark.what, mark.seconds] for mark in self.view.marks]
        return json.dumps({"fenced": self._fenced, **asdict(self.verdict), "faults": faults, "exits": self.self_exits})

    def _caught_up(self) -> bool:
        return sum(self.view.ends.values()) > 0 and self.view.committed == self.view.ends

    def _any(self) -> int:
        self._reap()
        return self._random.choice(sorted(self._processes))

    def _mark(self, what: str, *, moved: bool = True) -> Mark:
        """Note a fault; work must have been done since the one before."""
        if moved:
            before = self.view.marks[-1].before if self.view.marks else 0
            self._await(f"work before {what}", lambda: self.view.done > before)
        return self.view.mark(what)

    def _recover(self, mark: Mark) -> None:
        self._await(f"work after {mark.what}", lambda: mark.recovered is not None and self.view.done > mark.before)

    def _await(self, what: str, true: Callable[[], bool]) -> None:
        until = time.monotonic() + RECOVERY_S
        while not true():
            self._reap()
            assert time.monotonic() < until, f"{what}: not within {RECOVERY_S} s; see {self._logs}"
            time.sleep(0.05)

    def _reap(self) -> None:
        """Do what a supervisor does: start again who ended by himself."""
        for number, process in self._processes.items():
            if (code := process.poll()) is not None:
                self.self_exits.append(code)
                self._start(number)

    def _start(self, number: int) -> None:
        topics = self.topics
        names = {"BOOTSTRAP": topics.bootstrap, "GROUP": topics.group, "SOURCE": topics.source, "TARGET": topics.target}
        own = {"INSTANCE": f"w{number}", "HOLD": str(self._hold_s), "UNFENCED": "" if self._fenced else "1"}
        with self._log(number).open("ab") as log:
            self._processes[number] = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.lane.worker"],
                cwd=ROOT,
                env={**os.environ, **names, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _log(self, number: int) -> Path:
        return self._logs / f"{self.topics.group}-{number}.log"
