"""The dated page, from the results alone: `python -m tests.scenarios.page [docs/scenarios/DATE.json]`."""

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.scenarios.entries import ENTRIES, Entry, How, large
from tests.scenarios.figures import judged
from tests.scenarios.plots import draw_delays, draw_false
from tests.scenarios.results import load
from tests.scenarios.targets import YEAR_DAYS
from tests.scenarios.words import shown

_OPENING: Final = """
Simulated traffic through the detection code of the services, held against what was planted in it; the 2 × rule at
p < 0.001 in every window of five minutes, which everybody begins with, ran beside it on the same counts. What is
simulated, and what that cannot show, is [ADR 0040](adr/0040-scenario-bench.md).
"""


_DRAWN: Final = "doubled"
_QUIET: Final = """
They watch whole tenants, from their first day on. A fleet-year is that of ten such tenants; the bound is the one-sided
95 % bound of a Poisson mean.
"""


def write_page(file: Path) -> Path:
    """Write the page of the results in `file` (HOME/scenarios/DATE.json) as HOME/scenarios-DATE.md; return it."""
    day = load(file)
    found = day["scenarios"]
    quiet = [(each.name, found[each.name]) for each in ENTRIES if each.name in found and _beside(each)]
    if _DRAWN in found:
        draw_delays(_DRAWN, found[_DRAWN], file.with_name(f"{day['date']}-delays.svg"))
    if quiet:
        draw_false(quiet, file.with_name(f"{day['date']}-false.svg"))
    page = file.parent.parent / f"scenarios-{day['date']}.md"
    page.write_text(page_of(file))
    return page


def page_of(file: Path) -> str:
    """Return the page of the results in `file`."""
    return "\n".join(_lines(load(file), file)) + "\n"


def _lines(day: Mapping[str, Any], file: Path) -> Iterator[str]:
    found = day["scenarios"]
    played = [each for each in ENTRIES if each.name in found]
    yield f"# Scenarios, {day['date']}"
    yield ""
    yield f"<!-- Generated from {file.parent.name}/{file.name} by `python -m tests.scenarios.page`; do not edit. -->"
    yield _OPENING.rstrip()
    for note in day.get("notes", ()):
        yield "\n" + _wrapped(note)
    yield "\n## Targets\n"
    yield from _table(("scenario", "figure", "found", "target", ""), list(_targets(played, found)))
    yield "\n## What was planted and what was said\n"
    planted = [each for each in played if each.planted and each.level != "journey"]
    heads = (
        "scenario",
        "runs",
        "high: median",
        "90 %",
        "found",
        "any: median",
        "90 %",
        "told",
        "incidents",
        "right",
        "since, off by",
        "within its bounds",
        "rose again",
    )
    yield from _table((*heads, "2 × rule: median", "90 %", "its alarms"), [_row(e, found[e.name]) for e in planted])
    if _DRAWN in found:
        yield f"\n![delays of {_DRAWN}]({file.parent.name}/{day['date']}-delays.svg)"
    yield "\n## False high findings a tenant-year\n"
    counted = ("scenario", "tenant-years", "ours", "2 ×, p < 0.001", "2 ×, bare", "ours by rule")
    beside = [each for each in played if each.level in {"counts", "labels"}]
    yield from _table(counted, [_false(each, found[each.name]) for each in beside])
    if any(_beside(each) for each in played):
        yield f"\n![false high findings]({file.parent.name}/{day['date']}-false.svg)"
    if quiet := [each for each in played if each.level in {"minutes", "arrivals"}]:
        yield from ("\n## Detectors of minutes, and of labels that come, where nothing happens\n", _QUIET.strip(), "")
        columns = ("scenario", "tenant-years", "false highs", "a fleet-year", "95 % bound", "by rule")
        yield from _table(columns, [_quiet(each, found[each.name]) for each in quiet])
    journeys = [each for each in played if each.level == "journey"]
    if journeys:
        yield "\n## Scripted days through the whole system\n"
        days = ("day", "transactions", "high after", "incidents of it", "right", "incidents of the day")
        yield from _table(days, [_day(each, found[each.name]) for each in journeys])
        for each in journeys:
            yield f"\n- **{each.name}** told:\n"
            yield from (_wrapped(f"  - {title}", indent="    ") for title in found[each.name]["titles"])
    yield "\n## The scenarios\n"
    for each in played:
        yield _wrapped(f"- **{each.name}**: {each.what}", indent="  ")
    if missing := [each.name for each in ENTRIES if each.name not in found]:
        yield ""
        yield _wrapped(f"In the catalogue, and not played for this page: {', '.join(missing)}.")
    yield "\n## How to reproduce\n"
    seeds = sorted({found[each.name]["seed"] for each in played})
    yield _wrapped(
        f'`make scenarios`, or some with `make scenarios ARGS="--only {" ".join(e.name for e in played[:2])}"`; seed '
        f"{', '.join(map(str, seeds))}. The same seed gives the same figures on every machine with the same numpy. "
        "Fewer runs and days than the catalogue has (`tests/scenarios/catalogue.py`) are the first of them (`--part`, "
        "`--days`)."
    )


def _beside(entry: Entry) -> bool:
    """Return whether nothing is planted and the 2 × rule ran beside."""
    return entry.level == "counts" and not entry.planted


def _targets(played: Sequence[Entry], found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for scenario in played:
        for met in judged(scenario.targets, found[scenario.name]):
            target = met.target
            limit = f"{met.sign} {shown(target.figure, target.limit)}"
            word = f"**{met.word}**" + (f": {target.known}" if target.known and not met.passes else "")
            yield scenario.name, target.figure.replace("_", " "), shown(target.figure, met.value), limit, word


def _row(scenario: Entry, one: Mapping[str, Any]) -> tuple[str, ...]:
    delays = (
        "high_50_s",
        "high_90_s",
        "high_found",
        "low_50_s",
        "low_90_s",
        "told",
        "incidents",
        "right",
        "since_error_50_s",
    )
    beside = ("naive_50_s", "naive_90_s", "naive_alarms")
    held = f"{shown('since_held', one['since_held'])} of {one['since_bounds']}" if one["since_bounds"] else "–"
    found = [shown(name, one[name]) for name in delays]
    return (
        scenario.name,
        _runs(scenario, one),
        *found,
        held,
        shown("", one["rises"]),
        *(shown(name, one[name]) for name in beside),
    )


def _runs(scenario: Entry, one: Mapping[str, Any]) -> str:
    """Return how many runs were played, of how many if those are fewer."""
    whole = large(scenario, How()).runs
    return f"{one['runs']}" if one["runs"] == whole else f"{one['runs']} of {whole}"


def _day(scenario: Entry, one: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("transactions", "high_50_s", "incidents", "right", "incidents_all")
    return scenario.name, *(shown(name, one[name]) for name in names)


def _quiet(scenario: Entry, one: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("false_highs", "false_highs_fleet_year", "false_highs_fleet_year_95")
    found = [shown(name, one[name]) for name in names]
    return scenario.name, _years(scenario, one), *found, shown("", one["false_highs_by_rule"])


def _years(scenario: Entry, one: Mapping[str, Any]) -> str:
    """Return how many tenant-years were played, of how many if those are fewer."""
    size = large(scenario, How())
    played, whole = (shown("", each) for each in (one["tenant_years"], size.runs * size.days / YEAR_DAYS))
    return played if played == whole else f"{played} of {whole}"


def _false(scenario: Entry, one: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("false_highs_tenant_year", "naive_false_tenant_year", "bare_false_tenant_year")
    found = [shown(name, one[name]) for name in names]
    return scenario.name, _years(scenario, one), *found, shown("", one["false_highs_by_rule"])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|---|" + "---:|" * (len(heads) - 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _wrapped(paragraph: str, indent: str = "") -> str:
    return textwrap.fill(paragraph, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    for name in sys.argv[1:] or [str(max(Path("docs/scenarios").glob("*.json")))]:
        sys.stdout.write(f"{write_page(Path(name))}\n")
