"""What the commands that read files say on standard error, and how far they have read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from proofwatch.scorefile.mapping import SCORES
from proofwatch.scorefile.outcome import Outcome
from proofwatch.tabular import GIANT, Table


@contextmanager
def reading(name: str) -> Iterator[Callable[[int], None]]:
    """Show how many rows have been read, on a terminal only."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("reading {task.description}: {task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        yield lambda rows: bar.update(task, completed=rows)


def giant_cell_notices(table: Table) -> list[str]:
    """Return a line for every column with cells so long that they hold something else; imagery does."""
    return [
        f"{table.file}: column {column} has cells of {GIANT:,} characters or more (rows: {count:,}); they are not read"
        for column, count in sorted(table.giants.items())
    ]


def out_of_range_notices(outcome: Outcome) -> list[str]:
    """Return a line for every score that counts as it stands although it lies outside of the scale."""
    said = []
    for name in SCORES:
        if (facts := outcome.account.facts.get(name)) is None:
            continue
        count = facts.negative + facts.above_one
        if count and outcome.reader.scales[name].any_range:
            said.append(
                f"{outcome.file}: {name}: {count:,} of {facts.n:,} lie outside 0 to 1 and count as they stand, as a "
                f"threshold was given; `replay` wants their scale in a mapping file"
            )
    return said
