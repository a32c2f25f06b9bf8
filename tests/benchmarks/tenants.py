"""The cost of an event with 10,000 tenants under policies of their own, against 10."""

from typing import Final

from tests.benchmarks.contenders import run_scorer
from tests.benchmarks.context import Context, Result
from tests.benchmarks.events import tenants
from tests.benchmarks.figures import summary
from tests.benchmarks.scorer import Profile
from tests.benchmarks.stages import records_of, stage_cost

FEW: Final = 10
MANY: Final = 10_000
LIMIT: Final = 1.2


def run(context: Context) -> Result:
    """Measure the stage alone and the whole process, few and many in turn."""
    rounds = context.rounds or context.pick(3, 1)
    stage_events, kafka_events = context.pick(300_000, 40_000), context.pick(600_000, 40_000)
    stage: dict[int, list[float]] = {FEW: [], MANY: []}
    kafka: dict[int, list[float]] = {FEW: [], MANY: []}
    with context.steps("tenants", 4 * rounds) as step:
        inputs = {count: records_of(stage_events, tenants(count)) for count in stage}
        for _ in range(rounds):
            for count, records in inputs.items():
                step(f"the stage alone, {count:,} tenants")
                stage[count].append(stage_cost(Profile("core", tenants=count), records)[0])
        inputs.clear()
        for _ in range(rounds):
            for count, costs in kafka.items():
                step(f"on Kafka, {count:,} tenants")
                world = context.world
                world.fill(kafka_events, tenants(count))
                measured = run_scorer(Profile("full", world.bootstrap, world.redis_url, tenants=count), kafka_events)
                costs.append(measured["processor_seconds"] / measured["events"] * 1e6)
    ratios = {name: _ratio(costs) for name, costs in (("stage", stage), ("kafka", kafka))}
    return {
        "few": FEW,
        "many": MANY,
        "rounds": rounds,
        "stage": {str(count): [round(each, 2) for each in summary(costs)] for count, costs in stage.items()},
        "kafka": {str(count): [round(each, 2) for each in summary(costs)] for count, costs in kafka.items()},
        "ratios": ratios,
        "target": {"at_most": LIMIT, "met": ratios["kafka"][0] <= LIMIT and ratios["stage"][0] <= LIMIT},
    }


def _ratio(costs: dict[int, list[float]]) -> list[float]:
    pairs = zip(costs[MANY], costs[FEW], strict=True)
    return [round(each, 3) for each in summary([many / few for many, few in pairs])]
