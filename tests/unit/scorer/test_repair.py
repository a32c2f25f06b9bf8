"""States that cannot be read: what takes their place, and what goes on record."""

import argparse
from typing import Any

import pytest

from proofwatch.bus.dead_letters.letter import read_headers
from proofwatch.bus.errors import Fenced
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events.topics import SUBJECTS, TRANSACTIONS, dead_letter_topic
from proofwatch.runtime.clock import SimulatedClock
from services.operations import subjects as command
from services.scorer.core.subject import NOTHING, encode
from services.scorer.maintenance.repair import REPAIR, Order, Unreadable, repair, unreadable
from tests.support.on_record import leave_open
from tests.unit.bus.stages import Recording
from tests.unit.scorer.test_subject_states import failed

ORDER = Order("r.mehta", "disk fault")
NEWER = encode(NOTHING).replace(b"1", b"2", 1)


@pytest.fixture(autouse=True)
def _let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_open(monkeypatch)


async def bus_with(*values: tuple[bytes, bytes | None]) -> LocalBus:
    bus = LocalBus({SUBJECTS: 1, TRANSACTIONS: 1, dead_letter_topic(SUBJECTS): 1}, SimulatedClock(0))
    await bus.publish([Outgoing(SUBJECTS, key, value, 0) for key, value in values])
    return bus


async def read(bus: LocalBus, topic: str = SUBJECTS) -> list[Record]:
    return [record async for record in bus.read(TopicPartition(topic, 0))]


async def test_the_newest_readable_state_takes_the_place_or_nothing() -> None:
    """What lies before it is better than nothing; what a later record replaced needs no repair."""
    bus = await bus_with(
        (b"a/s", encode(failed(0))),
        (b"a/s", encode(failed(0, 1))),
        (b"a/replaced", b"?"),
        (b"a/s", b"{"),
        (b"a/t", b"{}"),
        (b"a/replaced", None),
    )
    done = await repair(bus, 0, ORDER, 1_700_000_000_000)
    assert [(each.record.offset, each.before and each.before.offset) for each in done] == [(3, 1), (4, None)]
    written = (await read(bus))[6:]
    assert [(each.key, each.value) for each in written] == [(b"a/s", encode(failed(0, 1))), (b"a/t", None)]
    assert dict(written[0].headers) == {
        REPAIR + "offset": b"3",
        REPAIR + "operator": b"r.mehta",
        REPAIR + "note": b"disk fault",
        REPAIR + "at": b"2023-11-14T22:13:20+00:00",
    }
    letters = await read(bus, dead_letter_topic(SUBJECTS))
    assert [each.value for each in letters] == [b"{", b"{}"]
    said = read_headers(letters[0].headers)
    assert said
    assert (said.topic, said.offset, said.stage) == (SUBJECTS, 3, "scorer")
    assert await unreadable(bus, 0) == []
    assert await repair(bus, 0, ORDER, 0) == []


async def test_what_a_newer_release_may_read_is_left_alone() -> None:
    """An upgrade under way is no damage."""
    bus = await bus_with((b"a/s", NEWER))
    assert await repair(bus, 0, ORDER, 0) == []
    (found,) = await unreadable(bus, 0)
    assert found.of_newer_release
    assert len(await read(bus)) == 1


async def test_the_owner_is_shut_out_and_its_position_stays() -> None:
    """The fence is the scorer's own: of two who write the states of a partition, one is refused."""
    bus, source = await bus_with((b"a/s", b"{")), TopicPartition(TRANSACTIONS, 0)
    owner = await bus.fence("scorer").acquire(source)
    await repair(bus, 0, ORDER, 0)
    with pytest.raises(Fenced):
        await owner.commit(Batch(source, (), 0, 0, None, 0), Recording(SUBJECTS))
    assert await bus.positions("scorer", TRANSACTIONS) == {}


@pytest.mark.parametrize(
    ("yes", "value", "code", "last"),
    [
        (False, b"{", 1, "nothing was written: --yes --operator NAME --note TEXT writes it"),
        (True, b"{", 0, "every state can be read"),
        (True, NEWER, 1, "is left alone: a newer release may read it"),
        (False, encode(NOTHING), 0, "every state can be read"),
    ],
)
async def test_the_command_says_what_it_did(
    capsys: pytest.CaptureFixture[str], *, yes: bool, value: bytes, code: int, last: str
) -> None:
    """0: nothing blocks any more; 1: something does. Nobody's key is shown."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    words = ["repair", *(["--yes", "--operator", "r.mehta", "--note", "x"] if yes else [])]
    bus = await bus_with((b"acme/secret", value))
    assert await command.repair_partitions(bus, parser.parse_args(words)) == code
    said = capsys.readouterr().out
    assert said.rstrip().endswith(last)
    assert "secret" not in said


def test_nobody_repairs_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 before anything is asked of Kafka."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(["repair", "--yes", "--operator", "r.mehta"])) == 2
    assert "it is on record" in capsys.readouterr().err


async def test_the_command_tries_again_where_the_waiting_scorer_came_between(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scorer acquires its partition every few seconds while it waits; nothing was written, so it may be tried."""
    bus, tries = await bus_with((b"a/s", b"{")), 0

    async def contended(*arguments: Any) -> list[Unreadable]:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Fenced("another owner")
        return await repair(*arguments)

    monkeypatch.setattr(command, "repair", contended)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    words = ["repair", "--partition", "0", "--yes", "--operator", "r.mehta", "--note", "disk fault"]
    assert await command.repair_partitions(bus, parser.parse_args(words)) == 0
    assert tries == 3
    assert "was replaced by" in capsys.readouterr().out
