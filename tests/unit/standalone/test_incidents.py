"""Incidents of a run come of its anomalies, and of the windows that these were judged by."""

from pathlib import Path
from typing import Any

import orjson

from proofwatch.events.identity import derived_id
from services.standalone.incidents import document, read_incidents
from tests.unit.standalone.test_report_timeline import anomaly, lines, window


def fired(minutes: int, name: str | None, value: str | None, k: int, n: int) -> dict[str, Any]:
    numbers = {"metric": "retry_rate", "k": k, "n": n, "rate": k / n, "baseline_rate": 0.02, "p_value": 1e-12}
    who = {"segment_name": name, "segment_value": value, "anomaly_id": derived_id("test", minutes, name, value)}
    return anomaly(minutes, severity="high", revision=1, **numbers, **who)


def counted(minutes: int, name: str | None, value: str | None, k: int, n: int, revision: int = 1) -> dict[str, Any]:
    figures = [{"metric": "retry_rate", "k": k, "n": n}, {"metric": "refer_rate", "k": None, "n": None}]
    return window(minutes, segment_name=name, segment_value=value, revision=revision, figures=figures)


def write(out: Path, anomalies: list[dict[str, Any]], windows: list[dict[str, Any]]) -> Path:
    lines(out / "anomalies.jsonl", anomalies)
    lines(out / "windows.jsonl", windows)
    return out


def test_windows_tell_the_share_of_a_slice_whose_tenant_did_not_fire(tmp_path: Path) -> None:
    """Restated counts replace the first ones; windows of other times are nobody's."""
    (found,) = read_incidents(
        write(
            tmp_path,
            [fired(0, "os", "ios", 20, 100)],
            [
                counted(0, None, None, 1, 2),
                counted(0, None, None, 60, 1000, revision=2),
                counted(0, None, None, 1, 2),
                counted(5, None, None, 999, 1000),
            ],
        )
    )
    assert found.root.where == ("os", "ios")
    assert found.root.share == (20 - 2) / (60 - 20)
    assert found.root.rest is not None
    assert (found.root.rest.k, found.root.rest.n) == (40, 900)


def test_tenants_have_incidents_of_their_own(tmp_path: Path) -> None:
    """However alike they are."""
    one = fired(0, None, None, 20, 100)
    found = read_incidents(write(tmp_path, [one, one | {"tenant": "another", "anomaly_id": derived_id("test", 1)}], []))
    assert len({each.incident_id for each in found}) == 2


def test_a_run_without_anomalies_has_no_incident(tmp_path: Path) -> None:
    """Empty files, empty list."""
    assert read_incidents(write(tmp_path, [], [counted(0, None, None, 1, 2)])) == []


def test_an_incident_as_json_has_words_numbers_and_codes(tmp_path: Path) -> None:
    """People read the sentence, tools the rest."""
    (found,) = read_incidents(write(tmp_path, [fired(0, "os", "ios", 20, 100)], []))
    row = orjson.loads(orjson.dumps(document(found)))
    assert row["sentence"].startswith(row["title"])
    assert (row["root"]["segment_name"], row["root"]["segment_value"]) == ("os", "ios")
    assert row["lead"]["anomaly_id"] == derived_id("test", 0, "os", "ios")
    assert (row["state"], row["evidence"], row["merged_into"]) == ("firing", "strong", None)
