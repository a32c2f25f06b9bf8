"""Runs of scenarios, played side by side and kept as they end: what was stopped goes on where it was.

A run depends on its scenario, the seed and the code alone. So it is kept under a digest of what is played and of all
sources that playing imports: results of other code are never mixed with those of this one.
"""

import ast
import importlib.util
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

import msgspec

from tests.scenarios.entries import ENTRIES, Entry, How, large, play
from tests.scenarios.measure import Outcome

_OURS: Final = ("proofwatch", "services", "tests")
_WAIT_S: Final = 0.5
_MODULES: Final[dict[str, tuple[str, ...]]] = {
    "counts": ("tests.scenarios.play", "tests.scenarios.plants"),
    "minutes": ("tests.scenarios.minute_years",),
    "arrivals": ("tests.scenarios.label_years",),
    "labels": ("tests.scenarios.labelled",),
}
"""What a run depends on, by level of its entry, beside `Entry.played`."""
_ticks: "list[SimpleQueue[int]]" = []
"""Of a process that plays: where it tells how many days it watched."""


class Part(NamedTuple):
    """Runs of an entry that are played by one process, one after another."""

    name: str
    runs: tuple[int, ...]


class Store:
    """Outcomes of runs, each in a file of its own."""

    def __init__(self, home: Path, how: How, code: Mapping[str, str]) -> None:
        """`code`: a digest by level."""
        self._home, self._how, self._code = home, how, code

    def get(self, entry: Entry, run: int) -> Outcome | None:
        """Return what came of a run; None: it was not played."""
        file = self._file(entry, run)
        return msgspec.json.decode(file.read_bytes(), type=Outcome) if file.exists() else None

    def put(self, entry: Entry, run: int, outcome: Outcome) -> None:
        """Keep what came of a run."""
        file = self._file(entry, run)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        unfinished.write_bytes(msgspec.json.encode(outcome))
        unfinished.rename(file)

    def _file(self, entry: Entry, run: int) -> Path:
        size = large(entry, self._how)
        of = f"{self._code[entry.level]} {entry.played} {size.warm_days} {size.days} {self._how.seed}"
        return self._home / entry.name / sha256(of.encode()).hexdigest()[:16] / f"{run}.json"


class Playing:
    """Plays runs that are not in the store by so many processes, and tells `tick` of the days that they watch."""

    def __init__(self, how: How, home: Path, processes: int, tick: Callable[[int], None]) -> None:
        code = {level: digest(modules) for level, modules in _MODULES.items()}  # as it is loaded, not as it may become
        self._how, self._store = how, Store(home, how, code)
        self._tick = tick
        self._waiting: dict[str, list[AsyncResult[None]]] = {}
        context = get_context("spawn")
        self._told: SimpleQueue[int] = context.SimpleQueue()
        self._pool = context.Pool(processes, _begin, (self._told,)) if processes > 1 else None

    def __enter__(self) -> "Playing":
        signal.signal(signal.SIGTERM, _stop)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.terminate()

    def days(self, entry: Entry) -> int:
        """Return how many days are left to watch."""
        return len(self._missing(entry)) * large(entry, self._how).days

    def start(self, entries: Iterable[Entry]) -> None:
        """Begin with what is missing of them, in this order."""
        for entry in entries if self._pool else ():
            arguments = [(part, self._how, self._store) for part in self._parts(entry)]
            self._waiting[entry.name] = [self._pool.apply_async(_work, each) for each in arguments]  # type: ignore[union-attr]

    def outcomes(self, entry: Entry) -> list[Outcome]:
        """Return the outcomes of an entry that was begun, once all are there."""
        waiting = self._waiting.pop(entry.name, [])
        while waiting:
            waiting[0].wait(_WAIT_S)
            while not self._told.empty():
                self._tick(self._told.get())
            if waiting[0].ready():
                waiting.pop(0).get()
        for part in self._parts(entry):
            _play(part, self._how, self._store, self._tick)
        return self.found(entry)

    def found(self, entry: Entry) -> list[Outcome]:
        """Return the outcomes that there are."""
        return [found for run in range(large(entry, self._how).runs) if (found := self._store.get(entry, run))]

    def _missing(self, entry: Entry) -> list[int]:
        return [run for run in range(large(entry, self._how).runs) if self._store.get(entry, run) is None]

    def _parts(self, entry: Entry) -> list[Part]:
        parts: dict[int, list[int]] = {}
        for run in self._missing(entry):
            parts.setdefault(run // large(entry, self._how).of_one, []).append(run)
        return [Part(entry.name, tuple(runs)) for runs in parts.values()]


def _begin(told: "SimpleQueue[int]") -> None:
    _ticks[:] = [told]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began it stops it


def _work(part: Part, how: How, store: Store) -> None:
    _play(part, how, store, _ticks[0].put)


def _play(part: Part, how: How, store: Store, tick: Callable[[int], None]) -> None:
    entry = next(each for each in ENTRIES if each.name == part.name)
    for run, outcome in play(entry, how, part.runs, tick):
        store.put(entry, run, outcome)


def _stop(_signal: int, _frame: FrameType | None) -> Any:
    raise SystemExit(1)


@cache
def digest(modules: tuple[str, ...]) -> str:
    """Return a digest of the sources of modules and of all of this repository that they import."""
    known: dict[str, bytes] = {}
    for each in modules:
        _collect(each, known)
    return sha256(b"\0".join(known[name] for name in sorted(known))).hexdigest()[:16]


def _collect(module: str, known: dict[str, bytes]) -> None:
    if module in known or module.partition(".")[0] not in _OURS:
        return
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # what is imported from a module need not be one
        return
    if spec is None or spec.origin is None:
        return
    known[module] = source = Path(spec.origin).read_bytes()
    for name in _imported(ast.walk(ast.parse(source))):
        _collect(name, known)


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{each.name}" for each in node.names))
