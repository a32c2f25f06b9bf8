"""What every benchmark is given: the world, how much to do, and where to say how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.benchmarks.world import World

Result = dict[str, Any]
"""What a benchmark returns: plain JSON."""

Benchmark = Callable[["Context"], Result]


@dataclass(frozen=True)
class Context:
    """`quick`: few events and rounds, to see that everything runs; its numbers mean little.

    `rates` and `seconds` are for the journey: transactions a second, and how long each rate is held.
    """

    world: World
    quick: bool
    rounds: int | None = None
    rates: tuple[int, ...] = ()
    seconds: int | None = None

    def pick(self, full: int, quick: int) -> int:
        """Return the size for this run."""
        return quick if self.quick else full

    @contextmanager
    def steps(self, name: str, total: int) -> Iterator[Callable[[str], None]]:
        """Show a bar; call what is given before each of `total` steps, with a few words. Off without a terminal."""
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.fields[name]:12}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
            task = bars.add_task("", total=total, name=name, completed=-1)

            def step(what: str) -> None:
                bars.update(task, advance=1, description=what)

            yield step
            bars.update(task, completed=total, description="")
