"""`proofwatch handsets`: capture, timings and responsiveness by handset, OS, SDK release and country."""

import argparse
from collections.abc import Mapping

from proofwatch.biometrics.sketch_sum import Between
from proofwatch.csv_file import Cell
from services.aggregator.core.handsets import DIMENSIONS, QUANTILES, TIMINGS, Handset, Timing, handsets
from services.aggregator.core.span import counted
from services.aggregator.queries.arguments import Answer, add_query, answer, small_values
from services.aggregator.queries.sheet import Sheet, count, percent

_QUANTILES = tuple(f"p{round(share * 100)}" for share in QUANTILES)
_ENDS = tuple(f"{quantile}_{end}" for quantile in _QUANTILES for end in ("low", "high"))
_FIGURES = ("failure", "rejection", "response")
_COLUMNS = (
    "segment_name", "segment_value", "transactions",
    *(f"{name}_{each}" for name in _FIGURES for each in ("k", "n", "rate", "low", "high", "rest")),
    "excess_failures", "excess_rejections",
    *(
        f"{timing}_{each}"
        for timing in TIMINGS
        for each in ("n", "mean", *_ENDS, "rest_p95_low", "rest_p95_high")
    ),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Say how each device model, OS, SDK release and country fares beside the rest of its tenant: checks that "
        "brought no score (fta), transactions not accepted, liveness checks that brought a score (response), and "
        "timings, whose quantiles lie between the edges that sketches know. The most excess failures first: how many "
        "more than at the rate of the rest. Read only."
    )
    add_query(parser)
    parser.add_argument("--timing", choices=TIMINGS, default=TIMINGS[0], help="in the table (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when the database is away, 2 when there is nothing to show."""
    names = (args.segment.name,) if args.segment else DIMENSIONS

    def sheet(given: Answer) -> Sheet:
        found = handsets(counted(given.found.counted), names=names, small_cell=given.small_cell)
        there = {row.segment[0] for row in found.rows}
        absent = [name for name in names if name not in there]
        notes = [*given.notes, *small_values(found.small_values, found.small_transactions, given.small_cell)]
        if absent:
            notes.append(f"nothing to show by {', '.join(absent)}: not in the policy's segments, not sent, or too few")
        return Sheet(
            f"Handsets of {args.tenant}, the most excess failures first; in brackets the rest of the tenant",
            {"tenant": args.tenant},
            _COLUMNS,
            [_row(each) for each in found.rows],
            (
                "segment", "n", "fta", "excess", "rejected", "excess", "response",
                *(f"{args.timing.removesuffix('_ms')} {q}, ms" for q in _QUANTILES),
            ),
            [_text(each, args.timing) for each in found.rows],
            notes,
        )  # fmt: skip

    return answer("handsets", args, sheet, lambda query: query._replace(names=names))


def _row(each: Handset) -> list[Cell]:
    pairs = (
        (each.failure, each.failure_rest),
        (each.rejection, each.rejection_rest),
        (each.response, each.response_rest),
    )
    row: list[Cell] = [*each.segment, each.transactions]
    for own, rest in pairs:
        row += [own.k, own.n, own.value, own.low, own.high, rest.value]
    row += [each.excess_failures, each.excess_rejections]
    for name in TIMINGS:
        row += _timing(each.timings, each.timings_rest, name)
    return row


def _timing(own: Mapping[str, Timing], rest: Mapping[str, Timing], name: str) -> list[Cell]:
    timing = own.get(name, Timing(0, None, (Between(None, None),) * len(QUANTILES)))
    beside = rest[name].quantiles[1] if name in rest else Between(None, None)
    return [timing.n, timing.mean, *(end for between in timing.quantiles for end in between), *beside]


def _text(each: Handset, timing: str) -> list[str]:
    own, rest = each.timings.get(timing), each.timings_rest.get(timing)
    return [
        f"{each.segment[0]}={each.segment[1]}",
        count(each.transactions),
        f"{percent(each.failure.value)} ({percent(each.failure_rest.value)})",
        _excess(each.excess_failures),
        f"{percent(each.rejection.value)} ({percent(each.rejection_rest.value)})",
        _excess(each.excess_rejections),
        f"{percent(each.response.value)} ({percent(each.response_rest.value)})",
        *(_between(own, n) + (f" ({_between(rest, n)})" if n == 1 else "") for n in range(len(QUANTILES))),
    ]


def _excess(value: float | None) -> str:
    return "–" if value is None else f"{value:+,.1f}"


def _between(timing: Timing | None, n: int) -> str:
    if timing is None:
        return "–"
    low, high = timing.quantiles[n]
    if low is None or high is None:
        return f"< {high:,.0f}" if high is not None else f"≥ {low:,.0f}"
    return f"{low:,.0f}–{high:,.0f}"
