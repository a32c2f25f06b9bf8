"""`proofwatch statement` and `statistics` on a real database, with the rights of their roles."""

import asyncio
import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from proofwatch.audit.entry import Entry, entry_of
from proofwatch.governance.purposes import Purpose
from proofwatch.instants import ms_of
from services.cli import main
from tests.integration.outputs.roles import with_roles
from tests.support.postgres_server import PostgresServer

BERLIN = timedelta(hours=1)
MARCH = datetime(2026, 3, 1, tzinfo=UTC) - BERLIN
"""When March begins in Berlin."""
ASKED = ("--tenant", "acme", "--month", "2026-03", "--by", "r.mehta")


@pytest.fixture(scope="module")
def dsns(postgres_server: PostgresServer) -> Iterator[Mapping[str, str]]:
    yield from with_roles(postgres_server)


@pytest.fixture
def ledger(dsns: Mapping[str, str]) -> "Ledger":
    made = Ledger(dsns)
    made.do("truncate ledger.transactions, ledger.windows, ledger.fence, ledger.removed, audit.pending")
    made.do("alter table outputs.publications disable trigger user; delete from outputs.publications; "
            "alter table outputs.publications enable trigger user")  # fmt: skip
    made.read_until(datetime(2026, 4, 2, tzinfo=UTC))
    return made


class Ledger:
    """What the process `ledger` would have written."""

    def __init__(self, dsns: Mapping[str, str]) -> None:
        self.dsns = dsns
        self.number = 0

    def do(self, sql: str, *arguments: Any) -> list[Any]:
        async def done() -> list[Any]:
            connection = await asyncpg.connect(self.dsns["superuser"])
            try:
                if arguments:
                    return list(await connection.fetch(sql, *arguments))
                return (
                    list(await connection.fetch(sql)) if sql.startswith("select") else [await connection.execute(sql)]
                )
            finally:
                await connection.close()

        return asyncio.run(done())

    def read_until(self, at: datetime) -> None:
        self.do("delete from ledger.fence where partition >= 0")
        for partition, ms in enumerate((ms_of(at), ms_of(at) + 5_000)):
            self.do(
                "insert into ledger.fence(topic, partition, epoch, progress_ms) values "
                "('biometrics.verdicts.v1', $1, 1, $2)", partition, ms,
            )  # fmt: skip

    def day(self, number: int, tenant: str = "acme", match: int = 0, liveness: int = 0, month: int = 3) -> None:
        """A day of the tenant in Berlin, whole and by a segment value."""
        start = datetime(2026, month, 1, tzinfo=UTC) - BERLIN + timedelta(days=number - 1)
        for name, value, share in (("", "", 1), ("os", "android", 2)):
            self.do(
                "insert into ledger.windows(day, tenant, segment_name, segment_value, match_requested, "
                "liveness_requested, labelled, dirty, start_ms, end_ms) values ($1, $2, $3, $4, $5, $6, false, false, "
                "$7, $8)", date(2026, month, number), tenant, name, value, match // share, liveness // share,
                ms_of(start), ms_of(start + timedelta(days=1)),
            )  # fmt: skip

    def proofs(
        self,
        n: int,
        at: datetime,
        decision: str = "accept",
        tenant: str = "acme",
        by: int | None = None,
        **segments: str,
    ) -> None:
        """`by`: all of them by this person; None: each by another one; 0: by nobody knows whom."""
        rows = [
            (tenant, f"t-{self.number + i}", ms_of(at), ms_of(at) * 1000, decision, json.dumps(segments),
             -1 - self.number - i if by is None else by)
            for i in range(n)
        ]  # fmt: skip
        self.number += n
        self.do(
            "insert into ledger.transactions(tenant, transaction_id, logged_ms, occurred_us, decision, segments, "
            "person) select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], "
            "$7::bigint[])",
            *map(list, zip(*rows, strict=True)),
        )

    def entries(self) -> list[Entry]:
        return [entry_of(row[0]) for row in self.do("select entry from audit.pending order by pending_id")]


Said = pytest.CaptureFixture[str]


def run(ledger: Ledger, command: str, *more: str) -> int:
    role = {"statement": "billing", "statistics": "statistics"}[command]
    return main([command, *(more if "--tenant" in more else (*ASKED, *more)), "--dsn", ledger.dsns[role]])


def test_a_month_is_the_tenants_and_every_form_has_it(ledger: Ledger, capsys: Said) -> None:
    """Half an hour before midnight UTC is the next day in Berlin: the first of March, and not the last; each counts."""
    ledger.day(1, match=3, liveness=2)
    ledger.day(31, match=2, liveness=2)
    ledger.day(1, month=4, match=9)
    ledger.day(1, tenant="other", match=9)
    ledger.proofs(2, MARCH + timedelta(minutes=30))
    ledger.proofs(1, MARCH + timedelta(hours=20), "refer")
    ledger.proofs(2, datetime(2026, 3, 31, 22, 30, tzinfo=UTC))  # 23:30 of the last day, by the bounds that were stored
    ledger.proofs(4, datetime(2026, 3, 31, 23, 30, tzinfo=UTC))  # the first of April
    ledger.proofs(8, MARCH - timedelta(minutes=1))
    ledger.proofs(8, MARCH + timedelta(hours=1), tenant="other")

    assert run(ledger, "statement") == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["days"] == [
        {"day": "2026-03-01", "transactions": 3, "match_checks": 3, "liveness_checks": 2},
        {"day": "2026-03-31", "transactions": 2, "match_checks": 2, "liveness_checks": 2},
    ]
    assert (document["transactions"], document["provisional"]) == (5, False)
    assert document["read_until"] == "2026-04-02T00:00:00+00:00"
    assert said.err == ""
    assert run(ledger, "statement", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["transactions"] for row in rows] == ["3", "2", "5"]
    assert run(ledger, "statement", "--format", "html") == 0
    assert "<td>2026-03-31</td>" in capsys.readouterr().out

    asked, made, *_ = ledger.entries()
    assert (asked.action, asked.outcome, asked.purpose) == ("data.asked", "granted", Purpose.BILLING)
    assert (asked.actor.id, asked.details["identity"], asked.details["contract"]) == (
        "r.mehta", "stated", "not_governed",
    )  # fmt: skip
    assert asked.details["categories"] == "account diagnostic_and_usage"
    assert (made.action, made.purpose, made.objects[0].id) == ("statement.made", Purpose.BILLING, asked.entry_id)
    assert made.details["sha256"] == hashlib.sha256(said.out.encode()).hexdigest()


def test_a_month_that_is_not_over_is_stated_so_far_and_published_not_at_all(ledger: Ledger, capsys: Said) -> None:
    """By the tenant's clock: at half past eleven UTC it is over in Berlin, and with the last day unseen, not yet."""
    ledger.day(30)
    ledger.proofs(40, MARCH + timedelta(days=29, hours=2))
    ledger.proofs(40, MARCH + timedelta(days=29, hours=2), "refer")
    ledger.read_until(datetime(2026, 4, 1, 15, 59, tzinfo=UTC))

    assert run(ledger, "statement") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["provisional"] is True
    assert "2026-03 is not over, or not all of it has been read (read up to 2026-04-01T15:59:00+00:00)" in said.err
    assert run(ledger, "statistics") == 1
    said = capsys.readouterr()
    assert "nothing was given out: 2026-03 is not over" in said.err
    assert said.out == ""
    ledger.read_until(datetime(2026, 4, 1, 16, tzinfo=UTC))
    assert run(ledger, "statement") == 0
    assert json.loads(capsys.readouterr().out)["provisional"] is False
    ledger.day(31)
    ledger.read_until(datetime(2026, 3, 31, 23, tzinfo=UTC))  # Berlin's end of the day that was seen
    assert run(ledger, "statistics") == 0
    assert json.loads(capsys.readouterr().out)["transactions"] == {"accepted": 40, "not_accepted": 40}


def test_nothing_and_nobody_are_sentences(ledger: Ledger, capsys: Said) -> None:
    """A month without traffic, a tenant that is mistyped, a month of which rows are gone, a word that is no month."""
    ledger.day(1, month=4)
    assert run(ledger, "statement") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["transactions"] == 0
    assert "nothing was used: the ledger has no transaction of acme in 2026-03" in said.err
    assert run(ledger, "statement", "--tenant", "acmee", "--month", "2026-03", "--by", "me") == 1
    assert "the ledger knows no tenant 'acmee'" in capsys.readouterr().err
    ledger.day(1)
    ledger.do("insert into ledger.removed values ('2026-06-01', 'acme', 5, $1)", ms_of(MARCH + timedelta(days=2)))
    for command in ("statement", "statistics"):
        assert run(ledger, command) == 1
        assert "2026-03 can no longer be counted" in capsys.readouterr().err
    assert run(ledger, "statement", "--tenant", "acme", "--month", "March", "--by", "me") == 2
    assert "'March' is no month; right is 2026-03" in capsys.readouterr().err
    assert run(ledger, "statement", "--tenant", "acme", "--month", "2026-03") == 2
    assert "say who asks" in capsys.readouterr().err
    assert [entry.action for entry in ledger.entries()] == [
        "data.asked", "statement.made", "data.asked", "data.asked", "data.asked",
    ]  # fmt: skip


def _month(ledger: Ledger) -> None:
    ledger.day(1)
    for os, version, accepted, refused in (
        ("android", "13", 95, 95), ("android", "14", 5, 12), ("ios", "17", 50, 40),
    ):  # fmt: skip
        for decision, n in (("accept", accepted), ("retry", refused // 2), ("refer", refused - refused // 2)):
            ledger.proofs(n, MARCH + timedelta(hours=3), decision, os=os, os_version=f"{os} {version}")


def test_statistics_are_anonymous_and_published_once(ledger: Ledger, capsys: Said) -> None:
    """The five on android 14 are in no figure and no difference, also when verdicts come late and it is asked again."""
    _month(ledger)
    assert run(ledger, "statistics") == 0
    first = capsys.readouterr().out
    document = json.loads(first)
    assert document["segments"] == {
        "os": {
            "values": {
                "android": {"accepted": 100, "not_accepted": 107},
                "ios": {"accepted": 50, "not_accepted": 40},
            },
            "rest": None,
        }
    }
    ledger.proofs(1, MARCH + timedelta(hours=4), os="ios", os_version="ios 17")
    assert run(ledger, "statistics") == 0
    said = capsys.readouterr()
    assert said.out == first
    assert "and given out as it was then" in said.err

    delivered = [each for each in ledger.entries() if each.action == "statistics.delivered"]
    assert [each.details["sha256"] for each in delivered] == [hashlib.sha256(first.encode()).hexdigest()] * 2
    with pytest.raises(asyncpg.RaiseError, match="publications stay"):
        ledger.do("delete from outputs.publications")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(_read(ledger.dsns["statistics"], "select transaction_id from ledger.transactions"))


async def _read(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.fetch(sql)
    finally:
        await connection.close()


def test_asking_until_there_are_enough_tells_nothing(ledger: Ledger, capsys: Said) -> None:
    """That there were too few is decided once: else the moment of the tenth would tell that there were nine."""
    ledger.day(1)
    ledger.proofs(9, MARCH + timedelta(hours=3))
    assert run(ledger, "statistics") == 1
    said = capsys.readouterr()
    assert "acme had fewer than 10 people in 2026-03, or none" in said.err
    assert said.out == ""
    ledger.proofs(1, MARCH + timedelta(hours=3))
    assert run(ledger, "statistics") == 1
    assert "had fewer than 10 people" in capsys.readouterr().err


def test_two_publications_of_a_growing_month_could_be_subtracted(ledger: Ledger, capsys: Said) -> None:
    """The control: were it published anew after one late verdict, the difference would be that one person."""
    _month(ledger)
    assert run(ledger, "statistics") == 0
    before = json.loads(capsys.readouterr().out)["segments"]["os"]["values"]["ios"]["accepted"]
    ledger.proofs(1, MARCH + timedelta(hours=4), os="ios", os_version="ios 17")
    ledger.do("alter table outputs.publications disable trigger user; delete from outputs.publications; "
              "alter table outputs.publications enable trigger user")  # fmt: skip
    assert run(ledger, "statistics") == 0
    assert json.loads(capsys.readouterr().out)["segments"]["os"]["values"]["ios"]["accepted"] - before == 1


def test_somebody_who_proves_often_is_one_of_k(ledger: Ledger, capsys: Said) -> None:
    """Twelve and twelve of one person on a rare handset are in no figure, nor is what is left beside them."""
    ledger.day(1)
    for decision in ("accept", "refer"):
        ledger.proofs(40, MARCH + timedelta(hours=3), decision, os="android")
        ledger.proofs(30, MARCH + timedelta(hours=3), decision, os="ios")
        ledger.proofs(12, MARCH + timedelta(hours=3), decision, by=7, os="kaios")
    assert run(ledger, "statistics") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["transactions"] == {"accepted": 82, "not_accepted": 82}
    assert document["segments"]["os"] == {
        "values": {"android": {"accepted": 40, "not_accepted": 40}}, "rest": {"accepted": 42, "not_accepted": 42},
    }  # fmt: skip


def test_rows_that_are_nobodys_are_no_people(ledger: Ledger, capsys: Said) -> None:
    """Older than the column, or erased: a month of them alone has too few, however many there are."""
    ledger.day(1)
    ledger.proofs(500, MARCH + timedelta(hours=3), by=0)
    ledger.proofs(9, MARCH + timedelta(hours=3))
    assert run(ledger, "statistics") == 1
    assert "acme had fewer than 10 people in 2026-03, or none" in capsys.readouterr().err


def test_outcomes_are_not_told_apart_where_one_is_rare(ledger: Ledger, capsys: Said) -> None:
    """Nine were not accepted: what is left is that 100 were decided."""
    ledger.day(1)
    ledger.proofs(91, MARCH + timedelta(hours=3), os="ios")
    ledger.proofs(9, MARCH + timedelta(hours=3), "refer", os="ios")
    assert run(ledger, "statistics") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["transactions"] == {"decided": 100}
    assert document["segments"] == {"os": {"values": {"ios": {"decided": 100}}, "rest": None}}


def test_no_audit_no_output(ledger: Ledger, capsys: Said) -> None:
    """The entry cannot be written: nothing is read and nothing is given out."""
    _month(ledger)
    ledger.do("alter table audit.pending rename to elsewhere")
    try:
        for command in ("statement", "statistics"):
            assert run(ledger, command) == 1
            said = capsys.readouterr()
            assert "nothing was given out" in said.err
            assert '"tenant"' not in said.out
    finally:
        ledger.do("alter table audit.elsewhere rename to pending")
    assert ledger.do("select count(*) from outputs.publications")[0][0] == 0
