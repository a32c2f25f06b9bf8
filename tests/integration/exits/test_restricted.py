"""Whose processing is restricted is left out at the exits of single transactions, as they are typed (GDPR Art. 18)."""

import asyncio
import base64
from collections.abc import Callable, Mapping

import pytest

from proofwatch.audit.entry import Entry
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import TRANSACTION
from proofwatch.privacy.marks import subject_mark
from services.scorer.adapters.memory import MemorySubjects
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
        mark = subject_mark(SECRET, _TENANT, WHOSE.subject_ref)
        place = f"""insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
            values ('h', '{_TENANT}', '{mark}', 'r', 'pia', now(), 'objection', '{mark}')"""  # noqa: S608 - of the test
        await executed(dsns["superuser"], "delete from privacy.holds")
        await executed(dsns["superuser"], place)

    asyncio.run(prepare())
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", base64.b64encode(SECRET).decode())
    return dsns


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
