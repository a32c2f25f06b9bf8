"""What an operator meets: two processes with one name, and a record that blocks a partition; each with one way out."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proofwatch.bus.records import Outgoing
from proofwatch.events.topics import SUBJECTS
from tests.e2e.world import World, world
from tests.support.processes import ProcessFailed, ServiceProcess, command

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


def test_a_state_that_cannot_be_read_blocks_its_partition_until_it_is_repaired(running: World, tmp_path: Path) -> None:
    """The scorer waits and says where the record lies and which command shows it; with --yes it goes on by itself."""
    running.processes["scorer"].close()
    running.log.publish([Outgoing(SUBJECTS, b"harbour-bank/s", b"{", 2)])
    running.stack.redis.flush()
    scorer = ServiceProcess("scorer", running.env, tmp_path, number=7)
    try:
        scorer.start()
        sentence = scorer.await_unready(f"{SUBJECTS}/2 offset ")
        assert "`proofwatch subjects repair --partition 2` shows" in sentence
        with pytest.raises(ProcessFailed, match="ended with 1"):
            command("subjects", "repair", env=running.env)
        said = command(
            "subjects", "repair", "--yes", "--operator", "r.mehta", "--note", "a test wrote it", env=running.env
        )
        assert said.splitlines()[-1] == "every state can be read"
        assert "was replaced by nothing: the subject begins anew" in said
        scorer.await_ready()
        scorer.stop()
    finally:
        scorer.close()
