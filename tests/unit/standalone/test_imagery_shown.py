"""Which transaction a run asks for, and what it says of who asked."""

from pathlib import Path
from typing import Any

from proofwatch.bus.records import Record
from services.standalone.closing import closing_lines
from services.standalone.core.shown import Asked, Shown, as_document, chosen

TENANT = "kestrel"
SUMMARY: dict[str, Any] = {
    "conservation": {"consumed": 1, "decided": 1, "deduplicated": 0, "dead_lettered": 0, "holds": True},
    "run": {"seconds": 1.0, "events_per_second": 1},
    "outputs": dict.fromkeys(("windows", "anomalies", "incidents", "cases", "notifications"), 0),
    "decisions": {"accept": 1},
    "incidents": [],
}


def test_of_a_part_the_case_is_taken_that_it_goes_on_with() -> None:
    """Nobody works on a part by itself."""
    found = chosen([case("part", "t1", part_of="whole")], suspicions("t1"))
    assert found is not None
    assert (found.case_id, found.transaction_id) == ("whole", "t1")


def case(case_id: str, *transactions: str | None, **other: str) -> dict[str, Any]:
    reasons = [{"transaction_id": each} for each in transactions]
    given = {"tenant": TENANT, "kind": "subject", "state": "open", "severity": "medium", "opened_at": "2026-01-01"}
    return {"case_id": case_id, "reasons": reasons, **given, **other}


def suspicions(*transactions: str) -> dict[tuple[str, str], Record]:
    return {(TENANT, each): Record(n, n, b"", each.encode()) for n, each in enumerate(transactions)}


def said(shown: Shown | None, out: Path) -> str:
    return closing_lines({**SUMMARY, "imagery": as_document(shown)}, out)


def test_the_newest_flagged_transaction_of_the_gravest_open_case_is_asked_for() -> None:
    cases = [
        case("closed", "t1", state="closed", severity="high"),
        case("rate", None, kind="incident", severity="high"),
        case("slight", "t2"),
        case("later", "t3", severity="high", opened_at="2026-01-03"),
        case("grave", "t4", "t5", "t6", severity="high", opened_at="2026-01-02"),
    ]
    found = chosen(cases, suspicions("t1", "t2", "t3", "t4", "t5"))
    assert found is not None
    assert (found.case_id, found.transaction_id, found.suspicion.value) == ("grave", "t5", b"t5")


def test_without_a_flagged_transaction_nobody_asks(tmp_path: Path) -> None:
    assert chosen([], {}) is None
    assert chosen([case("one", "t1")], {}) is None
    assert chosen([case("rate", None, kind="incident")], suspicions("t1")) is None
    assert "nothing was flagged" in said(None, tmp_path)


def test_it_is_said_who_saw_what_and_who_was_refused_and_why(tmp_path: Path) -> None:
    asked = (
        Asked("sam.okafor", "sre", None, 0, "no_role", "none of your roles opens imagery"),
        Asked("dana.keller", "analyst", "v1", 9, "", ""),
    )
    text = said(Shown(TENANT, "t[5]", "grave-case", drawn=False, asked=asked), tmp_path)
    assert "sam.okafor[/] (sre) was refused: none of your roles opens imagery" in text
    assert "dana.keller[/] (analyst) saw the picture of t\\[5]" in text
    assert f"proofwatch audit show v1 --run {tmp_path}" in text
    assert "a drawn picture" in said(Shown(TENANT, "t5", "grave-case", drawn=True, asked=asked), tmp_path)


def test_a_broker_that_failed_is_named(tmp_path: Path) -> None:
    failed = Shown(TENANT, "t5", "c", drawn=False, asked=(), failed="it ended without an answer")
    assert "nobody saw a picture[/]: it ended without an answer" in said(failed, tmp_path)
