"""`proofwatch windows`: the windows of a tenant, newest revisions, with what is in them."""

import argparse
from datetime import datetime

from proofwatch.biometrics.trials import is_system
from proofwatch.csv_file import Cell
from proofwatch.local_time import clock
from services.aggregator.core.figures import proxies
from services.aggregator.core.found import shown
from services.aggregator.core.length_names import LENGTHS
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.span import Counted, CountedWindow, LabelledWindow, Stretch
from services.aggregator.core.times import DAY_S
from services.aggregator.queries.arguments import Answer, add_query, answer, small_values
from services.aggregator.queries.sheet import Sheet, count, percent

_COLUMNS = (
    "kind", "start", "end", "length_s", "segment_name", "segment_value", "revision", "backfill", "n",
    "rejected", "rejection_rate", "not_acquired", "fta_rate", "policies",
)  # fmt: skip
_HEADINGS = ("kind", "segment", "revision", "n", "rejected", "fta")
_Row = list[Cell]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "List the closed windows of a tenant that lie in a span whole, with their newest revisions: of verdicts, and "
        "with --length 1d the labelled days. n is transactions, of a labelled day its labelled trials. Read only."
    )
    add_query(parser)
    parser.add_argument("--length", choices=tuple(LENGTHS), default="5m", help="of the windows (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when the database is away, 2 when there is nothing to show."""
    length_s = LENGTHS[args.length]

    def sheet(given: Answer) -> Sheet:
        rows: list[_Row] = []
        small = [0, 0]
        for window in given.found.counted:
            row = _of_verdicts(window)
            n = row[8]
            assert isinstance(n, int)
            if (window.segment != WHOLE) != bool(args.segment):
                continue
            if window.segment != WHOLE and length_s < DAY_S and n < given.small_cell:
                small = [small[0] + 1, small[1] + n]
            else:
                rows.append(row)
        if length_s == DAY_S:
            labelled = (each for each in given.found.labelled if each.classes and each.revision)
            rows += [_of_labels(each) for each in labelled if (each.segment != WHOLE) == bool(args.segment)]
        rows.sort(key=lambda row: (str(row[1]), str(row[0]), str(row[5])))
        notes = [*given.notes, *small_values(small[0], small[1], given.small_cell)]
        about = {"tenant": args.tenant, "length_s": length_s}
        headings = (f"window, {given.zone or 'UTC'}", *_HEADINGS)
        texts = [_text(row, given.zone) for row in rows]
        return Sheet(f"Windows of {args.tenant}", about, _COLUMNS, rows, headings, texts, notes)

    return answer("windows", args, sheet, lambda query: query._replace(length_s=length_s))


def _of_verdicts(window: CountedWindow) -> _Row:
    total = Counted()
    for part in window.parts:
        total.add(part)
    by_metric = {each.metric: each for each in proxies(total.counts)}
    rejected, fta = by_metric["rejection_rate"], by_metric["fta_rate"]
    return [
        *_head("decisions", window.at, window),
        total.transactions,
        rejected.k,
        rejected.value,
        fta.k,
        fta.value,
        " ".join(window.policies),
    ]


def _of_labels(window: LabelledWindow) -> _Row:
    labelled = sum(each.n + each.missing for name, each in window.classes.items() if not is_system(name))
    return [*_head("labelled", window.at, window), labelled, None, None, None, None, " ".join(window.policies)]


def _head(kind: str, at: Stretch, window: CountedWindow | LabelledWindow) -> _Row:
    said = "yes" if window.backfill else "no"
    return [kind, shown(at.start_ms), shown(at.end_ms), at.length_s, *window.segment, window.revision, said]


def _text(row: _Row, zone: str | None) -> list[str]:
    kind, start, _, _, name, value, revision, backfill, n, rejected, rejection, _, fta, _ = row
    late = ", backfill" if backfill == "yes" else ""
    assert isinstance(n, int)
    shown_rejected = f"{rejected:,} ({percent(_number(rejection))})" if isinstance(rejected, int) else ""
    return [
        clock(datetime.fromisoformat(str(start)), zone),
        str(kind),
        f"{name}={value}" if name else "",
        f"{revision}{late}",
        count(n),
        shown_rejected,
        percent(_number(fta)) if fta is not None else "",
    ]


def _number(value: Cell) -> float | None:
    return value if isinstance(value, (int, float)) else None
