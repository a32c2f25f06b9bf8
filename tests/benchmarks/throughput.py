"""Side by side: everyone reads the same topic, one process each, in turn, several rounds."""

from typing import Any, Final

from tests.benchmarks import events
from tests.benchmarks.contenders import BASELINE, CONTENDERS, Contender, Failed, Measured, run_once
from tests.benchmarks.context import Context, Result
from tests.benchmarks.figures import rounded, summary

# (contender, compared with the fastest of, at least so many times as fast)
_TARGETS: Final = (
    ("core", (BASELINE,), 0.75),
    ("full", (BASELINE,), 0.65),
    ("full", ("quix-msgspec", "quix-json"), 2.0),
    ("full", ("faststream-pydantic",), 2.0),
    ("full", ("faststream-msgspec",), 2.0),
    ("full", ("faust-msgspec", "faust-record"), 12.0),
    ("core", ("quix-msgspec", "quix-json"), 2.0),
    ("core", ("faststream-pydantic",), 2.0),
    ("core", ("faststream-msgspec",), 2.0),
    ("core", ("faust-msgspec", "faust-record"), 12.0),
)


def run(context: Context) -> Result:
    """Run every contender in every round (A B C … A B C …); a contender that fails is reported, not hidden."""
    count = context.pick(500_000, 60_000)
    rounds = context.rounds or context.pick(3, 1)
    measured: dict[str, list[Measured]] = {contender.name: [] for contender in CONTENDERS}
    failures: dict[str, str] = {}
    with context.steps("throughput", 1 + rounds * len(CONTENDERS)) as step:
        step("writing the events")
        context.world.fill(count)
        for number in range(rounds):
            for contender in CONTENDERS:
                step(f"round {number + 1}: {contender.label}")
                try:
                    measured[contender.name].append(_once(context, contender, int(count * contender.share)))
                except Failed as error:
                    failures[contender.name] = str(error)
    return {
        "events": count,
        "event_bytes": events.BYTES,
        "subjects": events.SUBJECTS,
        "failing": events.failing(0, count) / count,
        "partitions": events.PARTITIONS,
        "rounds": rounds,
        "contenders": [_row(each, measured, failures.get(each.name), count) for each in CONTENDERS],
        "targets": [_target(measured, *target) for target in _TARGETS],
    }


def _once(context: Context, contender: Contender, count: int) -> Measured:
    measured = run_once(context.world, contender, count)
    validated = contender.validates != "nothing"
    if contender.share == 1 and validated and (measured.verdicts, measured.accepted) != _expected(count):
        raise Failed(f"{contender.label}: outputs and accepts are {measured[3:5]}, not {_expected(count)}")
    return measured


def _expected(count: int) -> tuple[int, int]:
    return count, count - events.failing(0, count)


def _row(contender: Contender, all_: dict[str, list[Measured]], failure: str | None, count: int) -> dict[str, Any]:
    mine = all_[contender.name]
    row: dict[str, Any] = {
        "name": contender.name,
        "label": contender.label,
        "validates": contender.validates,
        "events": int(count * contender.share),
    }
    if failure or not mine:
        return {**row, "failure": failure}
    return {
        **row,
        "features": list(mine[0].features),
        "rate": rounded(summary([each.rate for each in mine]), 0),
        "cost_us": rounded(summary([each.cost_us for each in mine]), 2),
        "of_baseline": rounded(summary(_ratios(mine, [all_[BASELINE]])), 3) if _paired(mine, all_[BASELINE]) else None,
        "rounds": [{"rate": round(each.rate), "cost_us": round(each.cost_us, 2)} for each in mine],
    }


def _target(measured: dict[str, list[Measured]], name: str, others: tuple[str, ...], least: float) -> dict[str, Any]:
    target: dict[str, Any] = {"name": name, "against": list(others), "least": least}
    rivals = [measured[other] for other in others]
    if not all(_paired(measured[name], rival) for rival in rivals):
        return {**target, "ratio": None, "met": False}  # somebody failed in some round
    ratio = summary(_ratios(measured[name], rivals))
    return {**target, "ratio": rounded(ratio, 3), "met": ratio.median >= least}


def _ratios(mine: list[Measured], rivals: list[list[Measured]]) -> list[float]:
    """Return, for each round, my rate against the fastest rival's of the same round."""
    return [each.rate / max(rival[number].rate for rival in rivals) for number, each in enumerate(mine)]


def _paired(mine: list[Measured], other: list[Measured]) -> bool:
    return bool(mine) and len(mine) == len(other)
