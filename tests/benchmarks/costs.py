"""Where the time goes: processor time per event, by leaving work out and by timing pieces alone."""

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from proofwatch.bus.records import Outgoing, Record, new_outgoing
from proofwatch.events.codec import TRANSACTION, VERDICT
from proofwatch.events.topics import VERDICTS
from services.scorer.core.attempts import CLEAN
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import judge
from services.scorer.core.verdicts import verdict
from tests.benchmarks.contenders import run_scorer
from tests.benchmarks.context import Context, Result
from tests.benchmarks.figures import summary
from tests.benchmarks.scorer import Kind, Profile, policy_of
from tests.benchmarks.stages import records_of, stage_cost

_LARGE, _SMALL = 10_000, 500
_KINDS: Final[tuple[tuple[Kind, int], ...]] = (
    ("lane-reads", _LARGE),
    ("lane-copies", _LARGE),
    ("lane-copies", _SMALL),
    ("lane-copies-with-headers", _LARGE),
    ("core", _LARGE),
    ("full", _LARGE),
)


def run(context: Context) -> Result:
    """Return rows of (what, microseconds per event), how each was found, and what a transaction costs."""
    count, rounds = context.pick(200_000, 40_000), context.rounds or context.pick(3, 1)
    pieces_of = context.pick(20_000, 5_000)
    whole: dict[tuple[Kind, int], list[float]] = {each: [] for each in _KINDS}
    with context.steps("costs", 2 + rounds * len(_KINDS)) as step:
        step("pieces of the stage")
        pieces = _pieces(pieces_of, context.pick(7, 3))
        step("writing the events")
        context.world.fill(count)
        for _ in range(rounds):
            for kind, size in _KINDS:
                step(f"{kind}, batches of {size:,}")
                context.world.fresh()
                profile = Profile(kind, context.world.bootstrap, context.world.redis_url, size)
                measured = run_scorer(profile, count)
                whole[kind, size].append(measured["processor_seconds"] / measured["events"] * 1e6)
    cost = {each: summary(values).median for each, values in whole.items()}
    copies = cost["lane-copies", _LARGE]
    transactions = 1 / _SMALL - 1 / _LARGE  # more of them per event
    return {
        "events": count,
        "rounds": rounds,
        "batch": _LARGE,
        "whole": [{"kind": kind, "batch": size, "cost_us": round(value, 2)} for (kind, size), value in cost.items()],
        "rows": [
            _row(
                "fetch, unpack, commit the position", cost["lane-reads", _LARGE], "lanes whose stage drops everything"
            ),
            _row(
                "pack and send one output", copies - cost["lane-reads", _LARGE], "lanes that copy, less the row above"
            ),
            *pieces,
            _row(
                "rest of the core path: outputs of failures, collections, scheduling",
                cost["core", _LARGE] - copies - sum(row["cost_us"] for row in pieces if row["core"]),
                "the core path, less lanes that copy, less the pieces",
            ),
            _row("core path", cost["core", _LARGE], "measured whole", total=True),
            _row("everything on", cost["full", _LARGE], "measured whole", total=True),
            _row(
                "five event headers on each output",
                cost["lane-copies-with-headers", _LARGE] - copies,
                "lanes that copy with and without",
                core=False,
            ),
        ],
        "transaction_us": round((cost["lane-copies", _SMALL] - copies) / transactions),
        "transaction_batches": [_SMALL, _LARGE],
    }


def _pieces(count: int, rounds: int) -> list[dict[str, Any]]:
    """Return what the stage's pieces cost; the best of several rounds, collections off."""
    records = records_of(count)
    best: dict[str, float] = {}
    for _ in range(rounds):
        core, outputs = stage_cost(Profile("core"), records)
        duplicates, _ = stage_cost(Profile("core", horizon_minutes=60), records)
        full, _ = stage_cost(Profile("full"), records)
        found = {"core": core, "duplicates": duplicates, "full": full, **_alone(records, outputs)}
        best = {name: min(value, best.get(name, value)) for name, value in found.items()}
    rules = best["core"] - best["decode"] - best["build"] - best["encode"] - best["outgoing"]
    return [
        _row("decode and validate the transaction", best["decode"], "alone, in a loop"),
        _row("key, time, attempts, rules, the loop", rules, "the stage without a broker, less its other pieces"),
        _row("build the verdict", best["build"], "alone, in a loop"),
        _row("encode the verdict", best["encode"], "alone, in a loop"),
        _row("wrap it as an output", best["outgoing"], "alone, in a loop"),
        _row("duplicates", best["duplicates"] - best["core"], "the stage with and without a horizon", core=False),
        _row(
            "what else is on in the stage",
            best["full"] - best["duplicates"],
            "the whole stage with attempts in memory, less the stage with duplicates",
            core=False,
        ),
    ]


def _alone(records: Sequence[Record], outputs: Sequence[Outgoing]) -> dict[str, float]:
    verdicts = [VERDICT.decode(output.value) for output in outputs if output.topic == VERDICTS]
    decode, encode, compiled = TRANSACTION.decode, VERDICT.encode, CompiledPolicy.of(policy_of(Profile("core")))
    judged = [(event, judge(event, compiled, CLEAN.failures)) for event in map(decode, (r.value for r in records))]
    basis = compiled.basis(CLEAN.failures)
    return {
        "decode": _time(len(records), lambda: [decode(record.value) for record in records]),
        "build": _time(len(judged), lambda: [verdict(event, judgement, basis) for event, judgement in judged]),
        "encode": _time(len(verdicts), lambda: [encode(each) for each in verdicts]),
        "outgoing": _time(
            len(records), lambda: [new_outgoing((VERDICTS, r.key, r.value, 0, r.timestamp_ms, ())) for r in records]
        ),
    }


def _time(count: int, work: Callable[[], object]) -> float:
    gc.disable()
    try:
        began = time.process_time()
        work()
        return (time.process_time() - began) / count * 1e6
    finally:
        gc.enable()


def _row(what: str, cost_us: float, how: str, *, core: bool = True, total: bool = False) -> dict[str, Any]:
    return {"what": what, "cost_us": round(cost_us, 2), "how": how, "core": core, "total": total}
