"""`proofwatch accepted-attacks --run`: every format, filters, and what a wrong call is told."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.aggregator.core.found import Query
from services.aggregator.core.span import Span
from services.aggregator.queries.accepted_attacks import filter_of
from services.cli import main
from tests.integration.aggregator.test_ledger import label, verdict

DAY = datetime(2026, 1, 5, tzinfo=UTC)
Said = pytest.CaptureFixture[str]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two attacks, an injection and an impostor that got in; one that did not, an overruled one, another tenant's."""
    hour = timedelta(hours=1)
    ro = {"country": "RO"}
    verdicts = [
        verdict("mask", at=DAY, segments=ro), verdict("print", at=DAY + hour), verdict("deepfake", at=DAY + 2 * hour),
        verdict("fraud", at=DAY + 30 * hour, segments=ro), verdict("stopped", liveness=0.1), verdict("good"),
        verdict("overruled"), verdict("unlabelled"), verdict("theirs", tenant="other"),
        verdict("stopped-first", liveness=0.1), verdict("stopped-first"),
    ]  # fmt: skip
    attack: dict[str, Any] = {"presentation": "attack", "at": DAY + 50 * hour}
    labels = [
        label("mask", pai_species="mask", **attack), label("print", pai_species="print", **attack),
        label("deepfake", pai_species="deepfake", attack_class="injection", **attack),
        label("fraud", pair="impostor"), label("stopped", **attack), label("good", presentation="bona_fide"),
        label("overruled", **attack), label("overruled", authority=9, label_id="m", presentation="bona_fide"),
        label("theirs", tenant="other", **attack), label("stopped-first", **attack), label("never-seen", **attack),
    ]  # fmt: skip
    for name, records in (("verdicts", verdicts), ("labels", labels)):
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join((each.value or b"") + b"\n" for each in records))
    return tmp_path


def ask(run: Path, *arguments: str, tenant: str = "bank") -> int:
    return main(["accepted-attacks", "--tenant", tenant, "--run", str(run), *arguments])


def ids(run: Path, capsys: Said, *arguments: str) -> list[str]:
    assert ask(run, "--format", "json", *arguments) == 0
    return [row["transaction_id"] for row in json.loads(capsys.readouterr().out)["rows"]]


def test_json_has_every_field_of_who_was_accepted(run: Path, capsys: Said) -> None:
    """By when they occurred; a verdict that came again counts once, by the first; no subject is named."""
    assert ask(run, "--format", "json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [(row["transaction_id"], row["kind"], row["species"]) for row in said["rows"]] == [
        ("mask", "presentation_attack", "mask"),
        ("print", "presentation_attack", "print"),
        ("deepfake", "injection_attack", "deepfake"),
        ("fraud", "impostor", None),
    ]
    assert said["rows"][0] == {
        "transaction_id": "mask",
        "occurred_at": "2026-01-05T00:00:00Z",
        "kind": "presentation_attack",
        "species": "mask",
        "asserted_at": "2026-01-07T02:00:00Z",
        "labelled_at": None,
        "segment_country": "RO",
    }
    assert "accepted, and proven by labels: impostor 1, injection attack 1, presentation attack 2" in said["notes"]


def test_csv_and_table_hold_the_same_rows(run: Path, capsys: Said) -> None:
    """Notes stand beside a CSV."""
    assert ask(run, "--format", "csv") == 0
    written = capsys.readouterr()
    assert [row["transaction_id"] for row in csv.DictReader(io.StringIO(written.out))] == [
        "mask", "print", "deepfake", "fraud",
    ]  # fmt: skip
    assert "a run keeps no log times" in written.err
    assert ask(run) == 0
    table = capsys.readouterr().out
    for part in ("mask", "injection attack", "country=RO", "2026-01-06 06:00"):
        assert part in table


def test_filters(run: Path, capsys: Said) -> None:
    """A span by when it occurred, one segment or value, one species."""
    assert ids(run, capsys, "--since", "2026-01-06") == ["fraud"]
    assert ids(run, capsys, "--until", "2026-01-05T01:00:00Z") == ["mask"]
    assert ids(run, capsys, "--segment", "country") == ["mask", "fraud"]
    assert ids(run, capsys, "--segment", "country=DE") == []
    assert ids(run, capsys, "--species", "deepfake") == ["deepfake"]


def test_none_is_an_answer(run: Path, capsys: Said) -> None:
    """Exit code 0, and a sentence."""
    assert ask(run, "--since", "2027-01-01") == 0
    assert "accepted, and proven by labels: none" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "tenant", "said"),
    [
        ((), "nobody", "there are: bank, other"),
        (("--since", "2026-01-06", "--until", "2026-01-05"), "bank", "--since must lie before --until"),
    ],
)
def test_a_wrong_call_says_what_is_right(
    arguments: tuple[str, ...], tenant: str, said: str, run: Path, capsys: Said
) -> None:
    """Exit code 2."""
    assert ask(run, *arguments, tenant=tenant) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_missing_or_broken_is_named(run: Path, capsys: Said) -> None:
    """With its line."""
    (run / "verdicts.jsonl").write_bytes(b'{"tenant":"bank"}\n')
    assert ask(run) == 2
    assert "verdicts.jsonl, line 1" in capsys.readouterr().err
    (run / "labels.jsonl").unlink()
    assert ask(run) == 2
    assert "labels.jsonl" in capsys.readouterr().err


def test_of_the_database_a_span_a_person_and_a_reason_are_needed(capsys: Said) -> None:
    """Before anything is opened."""
    words = ["accepted-attacks", "--tenant", "bank"]
    assert main(words) == 2
    assert "--since is needed" in capsys.readouterr().err
    assert main([*words, "--since", "24h", "--reason", "hold"]) == 2
    assert "say who asks" in capsys.readouterr().err
    assert main([*words, "--since", "24h", "--by", "r.mehta"]) == 2
    assert "--reason must say" in capsys.readouterr().err


def test_the_entry_has_the_filter_and_leaves_out_what_was_not_asked() -> None:
    """In words that are typed."""
    assert filter_of(Query("bank", Span(0, 60_000), ("os",), "ios"), "mask") == {
        "since": "1970-01-01T00:00:00Z", "until": "1970-01-01T00:01:00Z", "segment": "os=ios", "species": "mask",
    }  # fmt: skip
    assert filter_of(Query("bank", Span(), ("os",)), None) == {"segment": "os"}
