"""Incidents of a run are those that the incident stage told, by their last events."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from proofwatch.detection.findings import WHOLE, panel_of
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, regrouped, take
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of, ms_of
from services.standalone.incidents import document, read_incidents, read_merged
from tests.unit.standalone.test_report_timeline import anomaly, lines
from tests.unit.standalone.told import events_in, incidents_in


def fired(minutes: int, name: str | None, value: str | None, k: int, n: int) -> dict[str, Any]:
    numbers = {"metric": "retry_rate", "k": k, "n": n, "rate": k / n, "baseline_rate": 0.02, "p_value": 1e-12}
    who = {"segment_name": name, "segment_value": value, "anomaly_id": derived_id("test", minutes, name, value)}
    return anomaly(minutes, severity="high", revision=1, **numbers, **who)


def write(out: Path, anomalies: list[dict[str, Any]], windows: list[dict[str, Any]]) -> Path:
    lines(out / "anomalies.jsonl", anomalies)
    lines(out / "windows.jsonl", windows)
    return out


def test_what_the_stage_told_is_what_is_shown(tmp_path: Path) -> None:
    """Root, share, rest, people and words, by the last event of each; what merged is a part of another."""
    write(tmp_path, [fired(0, None, None, 30, 1000), fired(0, "os", "ios", 20, 100)], [])
    (event,) = events_in(tmp_path)
    merged = replace(event, incident_id=derived_id("test", "merged"), state="merged")
    (found,) = read_incidents([event, merged], tmp_path)
    assert found.incident_id == event.incident_id
    assert found.root.where == ("os", "ios")
    assert found.root.share == 1.0
    assert found.root.rest is not None
    assert (found.root.rest.k, found.root.rest.n) == (10, 900)
    assert found.lead.anomaly_id == event.lead_anomaly_id
    assert incident_sentence(found) == event.sentence


def test_an_incident_that_became_a_part_of_another_one_is_found_by_its_id(tmp_path: Path) -> None:
    """People were told of it: what they look for says where it went. What nobody was told of is not listed."""
    write(tmp_path, [fired(0, None, None, 30, 1000), fired(0, "os", "ios", 20, 100)], [])
    (event,) = events_in(tmp_path)
    into = derived_id("test", "into")
    merged = replace(event, incident_id=derived_id("test", "merged"), state="merged", merged_into=into)
    weak = replace(merged, incident_id=derived_id("test", "weak"), evidence="weak")
    (found,) = map(document, read_merged([event, merged, weak], tmp_path))
    assert (found["incident_id"], found["state"], found["merged_into"]) == (merged.incident_id, "merged", into)
    assert found["title"].startswith("Part of another incident: ")


def test_a_slice_that_only_counts_name_is_shown_with_its_own_counts(tmp_path: Path) -> None:
    """Nothing of it fires: what leads is of the whole tenant."""
    write(tmp_path, [fired(0, None, None, 30, 1000)], [])
    lead = msgspec.json.decode((tmp_path / "anomalies.jsonl").read_bytes(), type=Anomaly)
    panel = panel_of(finding_of(lead))
    tables = {panel: {WHOLE: (30, 1000), ("os", "ios"): (28, 200), ("os", "android"): (2, 800)}}
    (told,) = regrouped(take(Incidents(tables=tables), [lead])).changes
    (found,) = read_incidents([event_of(told)], tmp_path)
    assert found.root.where == ("os", "ios")
    assert (found.root.counts.k, found.root.counts.n) == (28, 200)
    assert incident_sentence(found) == event_of(told).sentence
    assert "28 of 200 = 14 %. That is where it comes from: all of" in incident_sentence(found)


def test_with_which_version_and_what_was_ever_so_are_shown_as_they_were_told(tmp_path: Path) -> None:
    """Title and severity of a run are those that people were told."""
    write(tmp_path, [fired(0, "os", "ios", 30, 100)], [])
    lead = msgspec.json.decode((tmp_path / "anomalies.jsonl").read_bytes(), type=Anomaly)
    (told,) = regrouped(take(Incidents(), [lead])).changes
    for changed in (told._replace(version=("sdk_version", "7.4.0")), told._replace(ever_so=True)):
        (found,) = read_incidents([event_of(changed)], tmp_path)
        assert (found.version, found.ever_so) == (changed.version, changed.ever_so)
        assert incident_sentence(found) == event_of(changed).sentence


def test_when_the_end_became_known_is_shown_as_it_was_told(tmp_path: Path) -> None:
    """A chart that came back says since when, hours before it is sure: both are told, and both are in JSON."""
    one = fired(0, "os", "ios", 30, 100) | {"rule": "cusum", "direction": "up"}
    over = one | fired(60, "os", "ios", 2, 100) | {"rule": "cusum", "anomaly_id": one["anomaly_id"], "revision": 2}
    known = msgspec.to_builtins(instant_of(ms_of(datetime.fromisoformat(over["window_start"])) + 7_200_000))
    write(tmp_path, [one, over | {"state": "resolved", "known_at": known}], [])
    (event,) = events_in(tmp_path)
    (found,) = read_incidents([event], tmp_path)
    assert event.until_known is not None
    assert event.until is not None
    assert event.until_known - event.until == timedelta(hours=2)
    assert ". Known 2" in event.sentence
    assert incident_sentence(found) == event.sentence
    assert document(found)["until_known"] == known


def test_tenants_have_incidents_of_their_own(tmp_path: Path) -> None:
    """However alike they are."""
    one = fired(0, None, None, 20, 100)
    found = incidents_in(write(tmp_path, [one, one | {"tenant": "another", "anomaly_id": derived_id("test", 1)}], []))
    assert len({each.incident_id for each in found}) == 2


def test_a_run_without_anomalies_has_no_incident(tmp_path: Path) -> None:
    """Empty files, empty list."""
    assert incidents_in(write(tmp_path, [], [])) == []


def test_an_incident_as_json_has_words_numbers_and_codes(tmp_path: Path) -> None:
    """People read the sentence, tools the rest."""
    (found,) = incidents_in(write(tmp_path, [fired(0, "os", "ios", 20, 100)], []))
    row = orjson.loads(orjson.dumps(document(found)))
    assert row["sentence"].startswith(row["title"])
    assert (row["root"]["segment_name"], row["root"]["segment_value"]) == ("os", "ios")
    assert row["lead"]["anomaly_id"] == derived_id("test", 0, "os", "ios")
    assert (row["state"], row["evidence"], row["merged_into"]) == ("firing", "strong", None)
