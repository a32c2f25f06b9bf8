"""`proofwatch what-if`: what other thresholds would have made of the scores of a span."""

import argparse
from typing import Final

from proofwatch.csv_file import Cell
from services.aggregator.core.found import NothingFound
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.span import Counted, counted, truth
from services.aggregator.core.what_if import Thresholds, WhatIf, on_edges, span_what_if
from services.aggregator.queries.arguments import Answer, add_query, answer, small_values
from services.aggregator.queries.sheet import Sheet, count, interval, percent

_COLUMNS = (
    "segment_name", "segment_value", "metric", "proxy", "n", "k", "rate", "would_k_low", "would_k_high",
    "would_rate_low", "would_rate_high", "low", "high", "coverage",
)  # fmt: skip
_HEADINGS = ("metric", "n", "is", "would be", "95 %", "coverage")
_NOT_SIMULATED: Final = (
    "attempts are as they were: a retry that would not have happened still counts, one that would have does not; "
    "retakes and reviews split what is rejected as today (proxies). `proofwatch backtest` plays attempts through"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Say what other thresholds would have made of the same scores, beside what is: APCER by species, BPCER, FMR "
        "and FNMR of labelled days, failed checks, rejections, retakes and reviews of all transactions. From sketches: "
        "exact where the threshold is an edge of them, else low..high, which hold the true count. Read only."
    )
    add_query(parser)
    parser.add_argument("--liveness-threshold", type=_threshold, metavar="X", help="accepted from this score, 0..1")
    parser.add_argument("--match-threshold", type=_threshold, metavar="Y", help="likewise of the face match")


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when the database is away, 2 when there is nothing to show."""
    to = Thresholds(args.match_threshold, args.liveness_threshold)
    names = (args.segment.name,) if args.segment else ()

    def sheet(given: Answer) -> Sheet:
        if to == Thresholds():
            raise NothingFound("--liveness-threshold X or --match-threshold Y is needed: what is to be tried")
        found, known = counted(given.found.counted), truth(given.found.labelled)
        rows, *small = span_what_if(found, known, to, names=names, small_cell=given.small_cell)
        return Sheet(
            f"What if, of {args.tenant}: {_tried(to)}",
            {"tenant": args.tenant, "match_threshold": to.match, "liveness_threshold": to.liveness},
            _COLUMNS,
            [_row(*segment, each) for segment, each in rows],
            (*(("value",) if names else ()), *_HEADINGS),
            [_text(value, each, with_value=bool(names)) for (_, value), each in rows],
            [
                *given.notes,
                *_grid(found.get(WHOLE, Counted()), to),
                *_coverage([each for _, each in rows]),
                _NOT_SIMULATED,
                *small_values(small[0], small[1], given.small_cell),
            ],
        )

    return answer("what-if", args, sheet)


def _tried(to: Thresholds) -> str:
    named = (("match", to.match), ("liveness", to.liveness))
    return ", ".join(f"{name} accepted from {value!r}" for name, value in named if value is not None)


def _grid(total: Counted, to: Thresholds) -> list[str]:
    said = []
    for check, exact in on_edges(total.sketches, to).items():
        threshold = getattr(to, check)
        how = "an edge of every sketch: counts are exact" if exact else "no edge of every sketch: low..high"
        said.append(f"{check} threshold {threshold!r}: {how}")
    return said


def _coverage(rows: list[WhatIf]) -> list[str]:
    if not any(each.coverage is not None for each in rows):
        return ["labels: none, so no error rate can be told"]
    lowest = min(each.coverage for each in rows if each.coverage is not None)
    return [f"error rates are of what is labelled, down to {lowest:.1%} of the transactions; others may differ"]


def _row(name: str | None, value: str | None, each: WhatIf) -> list[Cell]:
    would = each.would
    return [
        name, value, each.metric, "yes" if each.proxy else "no", each.n, each.k, _share(each.k, each.n),
        would.low, would.high, _share(would.low, each.n), _share(would.high, each.n), each.low, each.high,
        each.coverage,
    ]  # fmt: skip


def _text(value: str | None, each: WhatIf, *, with_value: bool) -> list[str]:
    would = each.would
    rates = percent(_share(would.low, each.n))
    counts = count(would.low)
    if would.low != would.high:
        rates, counts = f"{rates}..{percent(_share(would.high, each.n))}", f"{counts}..{count(would.high)}"
    return [
        *((value or "",) if with_value else ()),
        f"{each.metric} (proxy)" if each.proxy else each.metric,
        count(each.n),
        f"{percent(_share(each.k, each.n))} ({count(each.k)})",
        f"{rates} ({counts})",
        interval(each.low, each.high),
        "" if each.coverage is None else f"{each.coverage:.1%}",
    ]


def _share(k: int, n: int) -> float | None:
    return k / n if n else None


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no threshold; right is a score in 0..1, such as 0.985")
    return value
