"""Two processes with one PROOFWATCH_INSTANCE_ID: the one that has lost its place ends, and says why."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.world import World, world
from tests.support.processes import ServiceProcess

_ENDS_S = 60.0


@pytest.fixture(scope="module")
def running(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, announce: Callable[[str], None]
) -> Iterator[World]:
    """A scorer, whose member is ours, and windows, whose member is Faust's."""
    with world(tmp_path_factory.mktemp("processes"), new_database(), announce) as made:
        made.start(("scorer", "windows"))
        yield made


@pytest.mark.parametrize("name", ["scorer", "windows"])
def test_the_process_that_lost_its_name_ends_with_one_sentence(running: World, tmp_path: Path, name: str) -> None:
    """Exit code 1, the id in the sentence; the other goes on with all partitions."""
    older, twin = running.processes[name], ServiceProcess(name, running.env, tmp_path)
    try:
        twin.start()
        twin.await_ready()
        assert older.ended(_ENDS_S) == 1
        said = [json.loads(line) for line in older.log(200).splitlines() if line.startswith("{")]
        (halted,) = [each for each in said if each["event"] == "halted"]
        assert f"group {name} with PROOFWATCH_INSTANCE_ID={name}-0" in halted["reason"]
        twin.await_ready()
        twin.stop()
    finally:
        twin.close()
