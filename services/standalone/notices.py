"""What the commands that read files say on standard error, and how far they have read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from proofwatch.plain import one_line
from proofwatch.runtime.terminal import progress_bar
from proofwatch.scorefile.mapping import SCORES
from proofwatch.scorefile.outcome import Outcome
from proofwatch.tabular import GIANT, Table


@contextmanager
def reading(name: str) -> Iterator[Callable[[int], None]]:
    """Show how many rows have been read, on a terminal only."""
    counting = TextColumn("reading {task.description}: {task.completed:,} rows", markup=False)
    with progress_bar(name, SpinnerColumn(), counting, TimeElapsedColumn()) as advance:
        yield lambda rows: advance(rows, None)


def giant_cell_notices(table: Table) -> list[str]:
    """Return a line for every column with cells so long that they hold something else; imagery does."""
    return [
        f"{table.file}: column {one_line(column)} has cells of {GIANT:,} characters or more (rows: {count:,}); "
        f"they are not read"
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
