"""Whose processing is restricted is left out at the exits of single transactions, as they are typed (GDPR Art. 18)."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from proofwatch.audit.entry import Entry
from proofwatch.bus.dead_letters.letter import dead_letter
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing, Record, Rejection, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.enumerations import DeadLetterReason
from proofwatch.events.topics import dead_letter_topic
from proofwatch.events.types import Transaction
from proofwatch.privacy.marks import subject_mark
from services.cli import main
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.backtest import command as backtesting
from services.scorer.explain import command as explaining
from tests.integration.exits.test_door import COMMANDS, Said, asked, bus, dsns, entries
from tests.support.postgres_roles import executed
from tests.unit.scorer.samples import on, record, run, transaction

__all__ = ["bus", "dsns", "entries"]
SECRET = bytes(range(32))
EVENTS = [transaction(number, f"s-{number}", 60.0) for number in (1, 2)]
WHOSE, OTHER = EVENTS
_TENANT = WHOSE.tenant


@pytest.fixture
def restricted(dsns: Mapping[str, str], bus: LocalBus, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Two people on the topics, of whom one is restricted."""

    async def prepare() -> None:
        for number, event in enumerate(EVENTS):
            key = f"{event.tenant}/{event.subject_ref}".encode()
            [verdict] = on(topics.VERDICTS, await run(MemorySubjects(10**6), [record(number, event)]))
            await bus.publish(
                [
                    Outgoing(topics.TRANSACTIONS, key, TRANSACTION.encode(event)),
                    Outgoing(topics.VERDICTS, key, verdict),
                ]
            )
        await executed(dsns["superuser"], "delete from privacy.holds")
        await placed(dsns, WHOSE)

    asyncio.run(prepare())
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", base64.b64encode(SECRET).decode())
    return dsns


async def placed(dsns: Mapping[str, str], whose: Transaction) -> None:
    mark = subject_mark(SECRET, _TENANT, whose.subject_ref)
    place = f"""insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
        values ('{mark}', '{_TENANT}', '{mark}', 'r', 'pia', now(), 'objection', '{mark}')"""  # noqa: S608 - of the test
    await executed(dsns["superuser"], place)


@pytest.mark.parametrize(
    ("name", "late"), [("explain", (explaining, "find_policy")), ("backtest", (backtesting, "play"))]
)
def test_who_is_restricted_while_it_is_read_does_not_leave_either(
    name: str,
    late: tuple[ModuleType, str],
    restricted: Mapping[str, str],
    entries: Callable[[], list[Entry]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: Said,
) -> None:
    """It holds at once: of what was read before, nothing is written."""
    typed(monkeypatch, name, OTHER.transaction_id)
    before = getattr(*late)

    def then(*asked_: Any, **how: Any) -> Any:
        with ThreadPoolExecutor() as beside:
            beside.submit(asyncio.run, placed(restricted, OTHER)).result()
        return before(*asked_, **how)

    monkeypatch.setattr(*late, then)
    if name == "backtest":
        words = ("topic" if each == "ledger" else each for each in COMMANDS["backtest"])
        monkeypatch.setitem(COMMANDS, "backtest", (*words, "--out", str(tmp_path / "out")))
    assert asked(restricted, name, "--by", "r.mehta", of=_TENANT) in (1, 2)
    said = capsys.readouterr()
    assert (said.out, "restricted (GDPR Art. 18)" in said.err) == ("", True)
    assert not (tmp_path / "out").exists()
    assert [(each.outcome, each.details.get("why")) for each in entries()] == [
        ("granted", None),
        ("denied", "processing_restricted"),
    ]


def typed(monkeypatch: pytest.MonkeyPatch, name: str, transaction_id: str) -> None:
    words = tuple(transaction_id if each == "tx-1" else each for each in COMMANDS[name])
    monkeypatch.setitem(COMMANDS, name, words)


@pytest.mark.parametrize("name", ["explain", "troubleshoot"])
def test_nothing_of_their_transaction_is_shown_and_the_refusal_is_on_record(
    name: str,
    restricted: Mapping[str, str],
    entries: Callable[[], list[Entry]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    """Another's is shown as ever."""
    typed(monkeypatch, name, WHOSE.transaction_id)
    assert asked(restricted, name, "--by", "r.mehta", of=_TENANT) in (1, 2)
    said = capsys.readouterr()
    assert (said.out, "restricted (GDPR Art. 18)" in said.err) == ("", True)
    assert [(each.outcome, each.details.get("why")) for each in entries()] == [
        ("granted", None),
        ("denied", "processing_restricted"),
    ]


def test_without_the_secret_nobody_can_tell_whose_it_is_so_nothing_is_shown(
    restricted: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    """While anybody of the tenant is restricted."""
    monkeypatch.delenv("PROOFWATCH_SUBJECT_TAG_SECRET")
    for name in ("explain", "troubleshoot"):
        typed(monkeypatch, name, OTHER.transaction_id)
        assert asked(restricted, name, "--by", "r.mehta", of=_TENANT) == 2
        said = capsys.readouterr()
        assert (said.out, "PROOFWATCH_SUBJECT_TAG_SECRET is not set" in said.err) == ("", True)


def shown(dsns: Mapping[str, str], place: str, *options: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFWATCH_POSTGRES_DSN", dsns["sre"])
        return main(["dlq", "show", place, "--by", "r.mehta", "--reason", "ticket 4711", *options])


@pytest.mark.parametrize("topic", [topics.TRANSACTIONS, topics.VERDICTS, topics.CONSENTS, topics.LABELS])
@pytest.mark.parametrize("tenant", [(), ("--tenant", _TENANT)])
def test_their_record_is_shown_to_nobody_who_mends_the_platform(
    topic: str,
    tenant: tuple[str, ...],
    restricted: Mapping[str, str],
    bus: LocalBus,
    entries: Callable[[], list[Entry]],
    tmp_path: Path,
    capsys: Said,
) -> None:
    """Nor that it was refused: of a topic, and of its dead letters; another's is."""
    flag = "insert into imagery.flagged values('{}', '{}', '{}', 's3://x', null, null, now()) on conflict do nothing"
    mark = subject_mark(SECRET, _TENANT, WHOSE.subject_ref)
    asyncio.run(executed(restricted["superuser"], flag.format(_TENANT, WHOSE.transaction_id, mark)))
    for event in EVENTS:
        about = event.transaction_id if topic == topics.LABELS else event.subject_ref
        key = f"{_TENANT}/{about}{'/troubleshooting' if topic == topics.CONSENTS else ''}".encode()
        letter = Rejection(Record(0, 0, key, b"secret", ()), "malformed", "told of it")
        asyncio.run(bus.publish([dead_letter(letter, TopicPartition(topic, 0), "scorer")]))
    file, dead = tmp_path / "record", dead_letter_topic(topic)

    assert shown(restricted, f"{dead}/0/0", *tenant, "--bytes", str(file)) == 1
    said = capsys.readouterr()
    assert (said.out, "restricted (GDPR Art. 18)" in said.err, file.exists()) == ("", True, False)
    assert [(e.outcome, e.details.get("why"), e.tenant) for e in entries()][1:] == [
        ("denied", "processing_restricted", _TENANT)
    ]
    assert shown(restricted, f"{dead}/0/1", *tenant, "--bytes", str(file)) == 0
    assert "told of it" in capsys.readouterr().out
    assert file.read_bytes() == b"secret"


@pytest.mark.parametrize(
    ("topic", "key", "reason"),
    [
        (topics.TRANSACTIONS, None, "missing_key"),
        (topics.TRANSACTIONS, b"\xff/\xff", "malformed"),
        (topics.TRANSACTIONS, b"acme", "malformed"),
        (topics.TRANSACTIONS, f"{_TENANT}/{OTHER.subject_ref}".encode(), "key_mismatch"),
        (topics.DEVICE_PROOFS, f"{_TENANT}/device-1".encode(), "malformed"),
    ],
)
def test_of_a_record_whose_key_does_not_say_whose_it_is_sizes_are_shown_while_anybody_is_restricted(
    topic: str,
    key: bytes | None,
    reason: DeadLetterReason,
    restricted: Mapping[str, str],
    bus: LocalBus,
    entries: Callable[[], list[Entry]],
    tmp_path: Path,
    capsys: Said,
) -> None:
    """It may be theirs; when nobody is restricted any more, it is shown as ever."""
    letter = Rejection(Record(0, 0, key, b"secret", ()), reason, "told of it")
    asyncio.run(bus.publish([dead_letter(letter, TopicPartition(topic, 0), "scorer")]))
    file, place = tmp_path / "record", f"{dead_letter_topic(topic)}/0/0"
    assert shown(restricted, place, "--bytes", str(file)) == 1
    said = capsys.readouterr()
    assert ("6 bytes" in said.out, "told of it" in said.out, file.exists()) == (True, False, False)
    assert "restricted (GDPR Art. 18)" in said.err
    assert [each.outcome for each in entries()] == ["granted", "denied"]
    asyncio.run(executed(restricted["superuser"], "delete from privacy.holds"))
    assert shown(restricted, place, "--bytes", str(file)) == 0
    assert "told of it" in capsys.readouterr().out


def test_a_record_about_nobody_is_shown_whoever_is_restricted(
    restricted: Mapping[str, str], bus: LocalBus, capsys: Said
) -> None:
    """A window or a policy."""
    asyncio.run(bus.publish([Outgoing(topics.WINDOWS, _TENANT.encode(), b"secret")]))
    assert shown(restricted, f"{topics.WINDOWS}/0/0") == 0
    assert "6 bytes" in capsys.readouterr().out


def test_another_persons_is_shown_and_a_backtest_counts_who_is_left_out(
    restricted: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    """With the deployment's secret."""
    for name in ("explain", "troubleshoot"):
        typed(monkeypatch, name, OTHER.transaction_id)
        assert asked(restricted, name, "--by", "r.mehta", of=_TENANT) in (0, 1)
        assert OTHER.transaction_id in capsys.readouterr().out
    words = tuple("topic" if each == "ledger" else each for each in COMMANDS["backtest"])
    monkeypatch.setitem(COMMANDS, "backtest", words)
    assert asked(restricted, "backtest", "--by", "r.mehta", of=_TENANT) == 0
    assert "1 refused (processing_restricted)" in capsys.readouterr().out
