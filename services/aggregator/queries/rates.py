"""`proofwatch rates`: every rate of a tenant over a span, with what it was counted from."""

import argparse

from proofwatch.csv_file import Cell
from proofwatch.events.types import Figure
from services.aggregator.core.span import counted, truth
from services.aggregator.core.span_rates import SpanRate, span_rates
from services.aggregator.queries.arguments import Answer, add_query, answer, small_values
from services.aggregator.queries.sheet import Sheet, count, interval, percent

_COLUMNS = (
    "segment_name", "segment_value", "source", "metric", "k", "n", "value", "low", "high", "limit", "status",
    "reason", "needed_without_error", "needed_at_present_rate", "species", "coverage",
)  # fmt: skip
_HEADINGS = ("metric", "k", "n", "rate", "95 %", "limit", "status", "why not", "coverage")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Say how a tenant did over a span: proxies from verdicts alone, and the rates of ISO/IEC 19795-1 and 30107-3 "
        "from labelled days, each with k, n, Wilson's 95 %% interval, limit, status and label coverage. Windows "
        "are put together exactly. Read only."
    )
    add_query(parser)


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when the database is away, 2 when there is nothing to show."""

    def sheet(given: Answer) -> Sheet:
        names = (args.segment.name,) if args.segment else ()
        found = span_rates(
            counted(given.found.counted),
            truth(given.found.labelled),
            given.policy,
            names=names,
            small_cell=given.small_cell,
        )
        return Sheet(
            f"Rates of {args.tenant}",
            {"tenant": args.tenant, "policy_hash": given.policy.hash},
            _COLUMNS,
            [_row(each) for each in found.rates],
            (*(("value",) if names else ()), *_HEADINGS),
            [_text(each, with_value=bool(names)) for each in found.rates],
            [*given.notes, *small_values(found.small_values, found.small_transactions, given.small_cell)],
        )

    return answer("rates", args, sheet)


def _row(each: SpanRate) -> list[Cell]:
    f = each.figure
    judged: list[Cell] = [f.limit, f.status, f.reason, f.needed_without_error, f.needed_at_present_rate, f.species]
    return [*each.segment, each.source, f.metric, f.k, f.n, f.value, f.low, f.high, *judged, f.coverage]


def _text(each: SpanRate, *, with_value: bool) -> list[str]:
    f = each.figure
    return [
        *((each.segment[1] or "",) if with_value else ()),
        f.metric,
        count(f.k),
        count(f.n),
        percent(f.value),
        interval(f.low, f.high),
        "" if f.limit is None else f"{f.limit:.3%}",
        f.status or "",
        _needed(f),
        "" if f.coverage is None else f"{f.coverage:.1%}",
    ]


def _needed(f: Figure) -> str:
    """Return why a limit is not decided, and how many further trials would."""
    if f.reason is None:
        return ""
    more = f", {f.needed_without_error:,} more without error" if f.needed_without_error else ""
    return f"{f.reason.replace('_', ' ')}{more}"
