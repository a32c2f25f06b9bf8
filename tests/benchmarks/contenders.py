"""Who is compared, and how each is run once: as a child process that measures itself."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

from proofwatch.events.topics import TRANSACTIONS, VERDICTS
from tests.benchmarks.peer_venv import peer_python
from tests.benchmarks.scorer import Profile
from tests.benchmarks.world import COPIES, PEER_GROUPS, World

ROOT: Final = Path(__file__).parents[2]
_LIMIT_S: Final = 600.0


class Contender(NamedTuple):
    """One row of the table.

    `share`: which part of the events it gets; slow ones get fewer, or the run would take an hour.
    """

    name: str
    label: str
    module: str
    variant: str = ""
    share: float = 1.0
    own_packages: bool = False
    validates: str = "msgspec, the product's types"


BASELINE: Final = "aiokafka"
CONTENDERS: Final = (
    Contender("librdkafka", "librdkafka pass-through", "librdkafka_copy", validates="nothing"),
    Contender(BASELINE, "aiokafka pass-through", "aiokafka_copy", validates="nothing"),
    Contender("core", "scorer, core path", "", "core"),
    Contender("full", "scorer, everything on", "", "full"),
    Contender("faststream-msgspec", "FastStream batch, msgspec", "faststream_batch", "msgspec", own_packages=True),
    Contender(
        "faststream-pydantic",
        "FastStream batch, pydantic",
        "faststream_batch",
        "pydantic",
        0.4,
        own_packages=True,
        validates="pydantic models",
    ),
    Contender("quix-msgspec", "Quix Streams apply, msgspec", "quix_apply", "msgspec", 0.5, own_packages=True),
    Contender(
        "quix-json",
        "Quix Streams apply, JSON",
        "quix_apply",
        "json",
        0.5,
        own_packages=True,
        validates="nothing; orjson to dict",
    ),
    Contender("faust-msgspec", "Faust agent, msgspec", "faust_agent", "msgspec", 0.1),
    Contender("faust-record", "Faust agent, records", "faust_agent", "record", 0.05, validates="faust.Record"),
)


class Measured(NamedTuple):
    """One run of one contender."""

    events: int
    seconds: float
    processor_seconds: float
    verdicts: int
    accepted: int
    features: Sequence[str] = ()

    @property
    def rate(self) -> float:
        """Events per second of wall clock."""
        return self.events / self.seconds

    @property
    def cost_us(self) -> float:
        """Microseconds of processor time per event."""
        return self.processor_seconds / self.events * 1e6


class Failed(Exception):
    """A contender did not finish; the message ends with what it wrote."""


def run_once(world: World, contender: Contender, events: int) -> Measured:
    """Give `contender` a fresh world, let it process `events`, and count its outputs as an independent reader."""
    world.fresh()
    if contender.module:
        # Outside of the project's environment, only what needs nothing but msgspec can be imported.
        python = peer_python() if contender.own_packages else Path(sys.executable)
        group = f"{PEER_GROUPS}{uuid4().hex[:8]}"
        module = f"tests.benchmarks.peers.{contender.module}"
        arguments = [world.bootstrap, TRANSACTIONS, COPIES, group, str(events), contender.variant]
        measured = run_child([str(python), "-m", module, *arguments])
    else:
        profile = Profile("core" if contender.variant == "core" else "full", world.bootstrap, world.redis_url)
        measured = run_scorer(profile, events)
    verdicts, accepted = world.decided(COPIES if contender.module else VERDICTS)
    if verdicts < events:
        raise Failed(f"{contender.label}: {verdicts} outputs for {events} events")
    return Measured(**measured, verdicts=verdicts, accepted=accepted)


def run_scorer(profile: Profile, events: int) -> dict[str, Any]:
    """Let the scorer process `events`; return what it measured."""
    return run_child(scorer_command(profile, events))


def scorer_command(profile: Profile, events: int) -> list[str]:
    """Return the command line of a scorer; 0 events: it serves until SIGTERM."""
    return [sys.executable, "-m", "tests.benchmarks.scorer_process", json.dumps(profile._asdict()), str(events)]


def run_child(command: list[str]) -> dict[str, Any]:
    """Run `command` to its end and return the last line that it printed, which is JSON. Raises `Failed`."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command)}: not done within {_LIMIT_S} s\n{_tail(error.stderr)}") from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{_tail(done.stderr)}")
    measured: dict[str, Any] = json.loads(lines[-1])
    return measured


def child_environment() -> dict[str, str]:
    """Return the environment of a child: this tree on the path, nothing of this process's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROOFWATCH_")}
    return {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'libs'}", "PYTHONWARNINGS": "ignore"}


def _tail(text: str | bytes | None) -> str:
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
    return "\n".join(shown.splitlines()[-15:])
