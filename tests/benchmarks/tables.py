"""Results as rows of text: the same tables for the terminal and for the page. Pure but for `show`."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.benchmarks import journey_tables
from tests.benchmarks.context import Result
from tests.benchmarks.rows import Rows, met


def tables(name: str, result: Result) -> list[Rows]:
    """Return the tables of one benchmark."""
    return _TABLES[name](result)


def show(console: Console, name: str, result: Result) -> None:
    """Print the tables of one benchmark."""
    for title, heads, rows in tables(name, result):
        table = Table(title=title, title_justify="left")
        for number, head in enumerate(heads):
            table.add_column(head, justify="right" if number else "left")
        for row in rows:
            table.add_row(*row)
        console.print(table)


def _throughput(result: Result) -> list[Rows]:
    rows = [_contender(each) for each in result["contenders"]]
    labels = {each["name"]: each["label"] for each in result["contenders"]}
    targets = [
        (
            f"{labels[each['name']]} against {_rivals(each['against'], labels)}",
            f"≥ {each['least']:g} ×",
            _ratio(each["ratio"]),
            met(each["met"]),
        )
        for each in result["targets"]
    ]
    heads = ("contender", "validates with", "events", "events/s", "least–most", "CPU µs/event", "of aiokafka")
    return [
        Rows(f"Throughput, median of {result['rounds']} rounds", heads, rows),
        Rows("Throughput targets, ratios within a round", ("what", "target", "measured", ""), targets),
    ]


def _contender(row: dict[str, Any]) -> tuple[str, ...]:
    known = (row["label"], row["validates"], f"{row['events']:,}")
    if "rate" not in row:
        return (*known, "failed", "", "", "")
    (median, low, high), ratio = row["rate"], row["of_baseline"]
    shown = "" if ratio is None else f"{ratio[0]:.2f}"
    return (*known, f"{median:,.0f}", f"{low:,.0f}–{high:,.0f}", f"{row['cost_us'][0]:.1f}", shown)


def _rivals(names: Sequence[str], labels: dict[str, str]) -> str:
    shown = " or ".join(labels[name] for name in names)
    return f"the faster of {shown}" if len(names) > 1 else shown


def _ratio(ratio: Sequence[float] | None) -> str:
    return "not measured" if ratio is None else f"{ratio[0]:.2f} × ({ratio[1]:.2f}–{ratio[2]:.2f})"


def _latency(result: Result) -> list[Rows]:
    quantiles = ("p50", "p90", "p99", "p99.9", "max")
    rows = [
        (
            f"{each['rate']:,}",
            *(f"{each[f'{name}_ms']:.1f}" for name in quantiles),
            f"{each['generator_late_ms']['0.99']:.1f}",
            f"{each['missing']}",
            f"{each['repeated']}",
            f"{each['scorer_cost_us']:.0f}",
        )
        for each in result["rates"]
    ]
    heads = ("events/s", *(f"{name} ms" for name in quantiles), "generator p99 ms", "missing", "twice", "CPU µs/event")
    target = result["target"]
    [at] = [each for each in result["rates"] if each["rate"] == target["rate"]]
    goal = (
        f"at {target['rate']:,} events/s",
        f"p50 ≤ {target['p50_ms']:g} ms, p99 ≤ {target['p99_ms']:g} ms",
        f"{at['p50_ms']:.1f} ms, {at['p99_ms']:.1f} ms",
        met(target["met"]),
    )
    return [
        Rows(f"Event to verdict, {result['seconds']} s at each rate, everything on", heads, rows),
        Rows("Latency target", ("what", "target", "measured", ""), [goal]),
    ]


def _memory(result: Result) -> list[Rows]:
    row = (
        f"{result['events']:,} events at {result['rate']:,}/s",
        f"< {result['target']['growth_below']:.0%}",
        f"{result['growth']:+.1%} ({result['begin_mib']:.0f} → {result['end_mib']:.0f} MiB)",
        met(result["target"]["met"]),
    )
    return [Rows("Resident memory, growth from 20 % to 100 %", ("what", "target", "measured", ""), [row])]


def _tenants(result: Result) -> list[Rows]:
    rows = []
    for key, what in (("stage", "the stage alone, core path"), ("kafka", "the process on Kafka, everything on")):
        few, many = result[key][str(result["few"])], result[key][str(result["many"])]
        ratio = result["ratios"][key]
        limit = result["target"]["at_most"]
        word = met(ratio[0] <= limit)
        rows.append(
            (
                what,
                f"{few[0]:.2f}",
                f"{many[0]:.2f}",
                f"{ratio[0]:.2f} ({ratio[1]:.2f}–{ratio[2]:.2f})",
                f"≤ {limit:g}",
                word,
            )
        )
    heads = ("where", f"{result['few']} tenants", f"{result['many']:,} tenants", "ratio", "target", "")
    return [Rows("CPU µs per event, a policy for each tenant", heads, rows)]


def _costs(result: Result) -> list[Rows]:
    rows = [
        (
            ("= " if each["total"] else "" if each["core"] else "+ ") + each["what"],
            f"{each['cost_us']:.2f}",
            each["how"],
        )
        for each in result["rows"]
    ]
    small, large = result["transaction_batches"]
    heads = ("what", "CPU µs/event", "how it was found")
    alone = (
        f"one transaction, from batches of {small:,} against {large:,}",
        f"{result['transaction_us']:,}",
        "CPU µs each",
    )
    return [Rows(f"Where the time goes, batches of {result['batch']:,}", heads, [*rows, alone])]


def _standalone(result: Result) -> list[Rows]:
    rows = [(f"{each['events']:,}", f"{each['rate']:,}", f"{each['cost_us']:.0f}") for each in result["days"]]
    heads = ("simulated day of", "events/s", "CPU µs/event (Python)")
    target = result["target"]
    at = next((each for each in result["days"] if each["events"] == target.get("events")), None)
    if at is None:
        return [Rows("All eight stages in one", heads, rows)]
    goal = (f"a day of {at['events']:,}", f"≥ {target['rate']:,}/s", f"{at['rate']:,}/s", met(target["met"]))
    return [
        Rows("All eight stages in one", heads, rows),
        Rows("Standalone target", ("what", "target", "measured", ""), [goal]),
    ]


def _audit(result: Result) -> list[Rows]:
    parties = ("auditor", "postgresql", "writer")
    rows = [
        (
            f"{each['rate']:,}" if each["rate"] else "as many as go",
            f"{each['appends_per_second']:,}",
            *(f"{each[f'{name}_ms']:,.0f}" for name in ("p50", "p99", "max")),
            f"{each['writer_late_p99_ms']:.1f}",
            f"{each['missing']:,}",
            *(f"{each['cost_us'][name]:,}" for name in parties),
            f"{each['others_s']:,.0f}",
        )
        for each in result["rates"]
    ]
    heads = ("acts/s asked", "entered/s", "lag p50 ms", "p99 ms", "max ms", "writer p99 ms", "missing",
             *(f"CPU µs/act {name}" for name in parties), "others' CPU s")  # fmt: skip
    target = result["target"]
    [at] = [each for each in result["rates"] if each["rate"] == target["rate"]]
    goal = (
        f"at {target['rate']:,} acts/s",
        f"all entered, lag p99 ≤ {target['p99_ms']:,.0f} ms",
        f"{at['appends_per_second']:,}/s, {at['p99_ms']:,.0f} ms",
        met(target["met"]),
    )
    return [
        Rows(f"From the act to a published checkpoint, {result['seconds']} s at each rate", heads, rows),
        Rows("Target of the audit log", ("what", "target", "measured", ""), [goal]),
    ]


def _imagery(result: Result) -> list[Rows]:
    names = ("p50", "p95", "p99", "max")
    row = (
        f"{result['views']:,}",
        *(f"{result[f'{name}_ms']:,.0f}" for name in names),
        *(f"{result['cost_ms'][name]:,.0f}" for name in ("imagery", "auditor", "postgresql")),
        f"{result['others_s']:,.0f}",
    )
    heads = (
        "views",
        *(f"{name} ms" for name in names),
        "CPU ms/view imagery",
        "auditor",
        "postgresql",
        "others' CPU s",
    )
    target = result["target"]
    goal = ("a view", f"p95 ≤ {target['p95_ms']:g} ms", f"{result['p95_ms']:,.0f} ms", met(target["met"]))
    return [
        Rows("From the click to the last byte", heads, [row]),
        Rows("Target of imagery", ("what", "target", "measured", ""), [goal]),
    ]


def _intake(result: Result) -> list[Rows]:
    without, with_ = (result["a_minute"][name] for name in ("without", "with"))
    beside = result["a_minute"].get("with_verdicts")  # results of before that was measured have none
    target = result["target"]
    row: tuple[str, ...] = (
        f"{result['suspicions']:,}",
        f"{without:,}",
        f"{with_:,}",
        f"{with_ / without:.2f}",
        f"{result['parts']:,}",
    )
    heads: tuple[str, ...] = ("suspicions", "a minute without clusters", "with", "ratio", "parts of clusters")
    if beside is not None:
        row, heads = (*row, f"{beside:,}", f"{result['verdicts']:,}"), (*heads, "a minute beside verdicts", "verdicts")
    goal = ("suspicions a minute", f"≥ {target['a_minute']:,}", f"{beside or with_:,}", met(target["met"]))
    return [
        Rows("Suspicions taken in", heads, [row]),
        Rows("Target of the intake", ("what", "target", "measured", ""), [goal]),
    ]


def _desk(result: Result) -> list[Rows]:
    names = {"queue": "the queue", "case": "a case", "search": "a search", "bulk": "a deed on 100 cases"}
    names["cluster"] = "a case of 2,000 members"
    rows = [
        (names[name], f"{each['count']:,}", *(f"{each[f'{at}_ms']:,.0f}" for at in ("p50", "p95", "p99", "max")))
        for name, each in result["deeds"].items()
    ]
    used = result["cores_used"]
    cores = (f"{result['suspicions']:,}", f"{result['late_s']:.1f}", *(f"{each:.2f}" for each in used.values()))
    target, worst = result["target"], max(each["p95_ms"] for each in result["deeds"].values())
    goals = [
        ("what people wait for", f"p95 < {target['p95_ms']:g} ms", f"{worst:,.0f} ms", met(worst < target["p95_ms"])),
        (
            "suspicions a minute meanwhile",
            f"{target['a_minute']:,}",
            f"the last one in its case after {result['late_s']:.1f} s",
            met(result["kept_up"]),
        ),
    ]
    title = f"{result['analysts']} analysts, {result['cases']:,} cases, {result['seconds']} s"
    listened = []
    if streams := result.get("streams"):
        all_told = streams["told"] == streams["to_tell"] and not streams["ended"]
        said = f"{streams['told']:,} of {streams['to_tell']:,} told, {streams['ended']} streams ended"
        goals.append((f"changes told to {streams['consoles']} consoles", "each to each", said, met(all_told)))
        delays = [f"{streams[f'{at}_ms']:,}" for at in ("p50", "p95", "p99", "max")]
        heads = ("consoles that listen", "p50 ms", "p95 ms", "p99 ms", "max ms", "KiB a second to all")
        row = (f"{streams['consoles']}", *delays, f"{streams['kib_a_second']:,}")
        listened = [Rows("From the click to each console", heads, [row])]
    return [
        Rows(title, ("what", "times", "p50 ms", "p95 ms", "p99 ms", "max ms"), rows),
        Rows("Meanwhile", ("suspicions", "late s", *(f"{name}: cores" for name in used)), [cores]),
        *listened,
        Rows("Targets of the console", ("what", "target", "measured", ""), goals),
    ]


def _counting(result: Result) -> list[Rows]:
    rows = [
        (
            each["label"],
            f"{each['rate'][0]:,}",
            f"{each['rate'][1]:,}–{each['rate'][2]:,}",
            f"{each['cost_us'][0]:.1f}",
            "" if each["least"] is None else f"≥ {each['least']:,}/s",
            "" if each["met"] is None else met(each["met"]),
        )
        for each in result["parts"]
    ]
    heads = ("what", "events/s", "least–most", "CPU µs/event (Python)", "target", "")
    parts = Rows(f"One process each, median of {result['rounds']} rounds", heads, rows)
    return [parts, *_beside(result["beside"], result["rounds"]), _month(result["month"])]


def _beside(result: Result, rounds: int) -> list[Rows]:
    labels = {each["name"]: each["label"] for each in result["rows"]}
    ratios = [
        (
            f"{labels[each['name']]} against {labels[each['against']]}",
            "" if each["least"] is None else f"≥ {each['least']:g} ×",
            _ratio(each["ratio"]),
            "" if each["met"] is None else met(each["met"]),
        )
        for each in result["ratios"]
    ]
    heads = ("who", "what", "verdicts", "verdicts/s", "least–most", "CPU µs/verdict")
    return [
        Rows(f"Counting beside others on Kafka, median of {rounds} rounds", heads, list(map(_counter, result["rows"]))),
        Rows("Counting beside others, ratios within a round", ("what", "target", "measured", ""), ratios),
    ]


def _counter(row: dict[str, Any]) -> tuple[str, ...]:
    known = (row["label"], row["how"], f"{row['events']:,}")
    if "rate" not in row:
        return (*known, "failed", "", "")
    median, low, high = row["rate"]
    return (*known, f"{median:,.0f}", f"{low:,.0f}–{high:,.0f}", f"{row['cost_us'][0]:.1f}")


def _month(result: Result) -> Rows:
    seconds = result["seconds"]
    row = (
        f"{result['tenants']} tenants, {result['days']} days, {result['windows']:,} windows of five minutes",
        f"≤ {result['at_most']:g} s",
        f"{seconds[0]:.2f} s ({seconds[1]:.2f}–{seconds[2]:.2f}), {result['read']:,} windows read",
        met(result["met"]),
    )
    return Rows("A month read and added up", ("what", "target", "measured", ""), [row])


_TABLES: Final[dict[str, Callable[[Result], list[Rows]]]] = {
    "throughput": _throughput,
    "latency": _latency,
    "memory": _memory,
    "tenants": _tenants,
    "costs": _costs,
    "counting": _counting,
    "standalone": _standalone,
    "audit": _audit,
    "imagery": _imagery,
    "intake": _intake,
    "desk": _desk,
    "journey": journey_tables.tables,
}
