"""A campaign is a row of a table; the proof is one function; what it measured becomes a row of another."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from tests.faults.campaign import Campaign, Faults
from tests.faults.judge import Verdict
from tests.faults.system import System
from tests.faults.watch import Mark

HEADINGS: Final = (
    "campaign", "fault", "times", "positions", "lost", "twice", "out of order", "amid a transaction",
    "first partition at work, p50 / max s", "last partition at work, p50 / max s", "longest standstill, p50 / max s",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Faults in the order in which they strike; `exact` False: the control, which must not come out right."""

    name: str
    faults: Faults
    workers: int = 2
    exact: bool = True


class Report:
    """Progress as it happens, results at the end."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.lines: list[Sequence[str]] = []

    def add(self, row: Row, marks: Sequence[Mark], verdict: Verdict) -> None:
        """Take a campaign's results, one line for each kind of fault."""
        found = (f"{verdict.wanted:,}", f"{verdict.lost}", f"{verdict.twice}", f"{verdict.disordered}")
        for what, times in Counter(mark.what for mark in marks).items():
            same = [mark for mark in marks if mark.what == what]
            measured = [[m.first_s for m in same], [m.last_s for m in same], [m.still_s for m in same]]
            caught = f"{sum(mark.caught > 0 for mark in same)}"
            seconds = [f"{median(each):.1f} / {max(each):.1f}" for each in measured]
            self.lines.append((row.name, what, f"{times}", *found, caught, *seconds))

    def markdown(self) -> str:
        """Return the results as a table."""
        rows = [HEADINGS, ("---",) * len(HEADINGS), *self.lines]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def prove(row: Row, system: System, report: Report) -> Verdict:
    """Run a row under load; assert that the committed output is what the input says: all, once, in order.

    For the control, assert that it is not.
    """
    with Campaign(system, row.workers, report.say) as campaign:
        for number, fault in enumerate(row.faults, 1):
            report.say(f"{row.name}: {number} of {len(row.faults)}")
            fault(campaign)
        verdict = campaign.finish()
    report.say(f"{row.name}: {asdict(verdict)}")
    report.add(row, campaign.watch.marks, verdict)
    assert verdict.exact is row.exact, f"{row.name}: {verdict}"
    assert verdict.seen > 0
    if len(campaign.refused) > 1:  # a single zombie may have had its commit decided before it was frozen
        assert any(campaign.refused) is row.exact, f"refused: {campaign.refused}"
    return verdict
