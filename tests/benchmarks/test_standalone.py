"""How many transactions a second go through all four services in one process. Printed, never asserted."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest
import uvloop

from proofwatch.bus.port import Outgoing
from proofwatch.governance.policy import load_policy
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate
from services.standalone.runner import Run, conduct


@pytest.mark.parametrize("events", [50_000, 500_000, 1_000_000])
def test_standalone_throughput_on_the_traffic_of_the_demo(
    events: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One simulated day, made before the clock starts; the denser the day, the fewer windows per transaction."""
    scenario = Scenario(events=events)
    records = list(simulate(scenario))
    size = 5_000 if events < 100_000 else 20_000

    def chunks() -> Iterator[Sequence[Outgoing]]:
        return (records[at : at + size] for at in range(0, len(records), size))

    start_ms = round(scenario.start.timestamp() * 1000)
    run = Run("benchmark", load_policy(), chunks, events, start_ms, tmp_path, True, ("sex", "age_band", "country"))
    summary = uvloop.run(conduct(run))
    assert summary["conservation"]["holds"]
    assert summary["conservation"]["consumed"] == events
    with capsys.disabled():
        print(orjson.dumps({"benchmark": "standalone", "events": events, **summary["run"]}).decode())  # noqa: T201
