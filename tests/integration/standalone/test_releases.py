"""Releases during the demo's day, through the whole system: one incident, whose root is the release."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from services.cli import main


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the documents of a file of JSON lines."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("release", "name", "version", "tenants", "metric"),
    [
        ("bad-sdk", "sdk_version", "11.3.0", {"harbour-bank"}, "liveness_fail_rate"),
        ("new-matcher", "matcher_version", "8.0.0", {"harbour-bank", "lumen-telco", "summit-wallet"}, "match_score"),
        ("slow-sdk", "sdk_version", "11.4.0", {"harbour-bank", "lumen-telco", "summit-wallet"}, "capture_ms"),
    ],
)
def test_a_release_is_one_incident_of_each_tenant_with_itself_as_the_root(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    release: str,
    name: str,
    version: str,
    tenants: set[str],
    metric: str,
) -> None:
    """And a marker, listed with what its comparison came to."""
    out = tmp_path / "out"
    assert main(["demo", "--events", "8000", "--release", release, "--headless", "--out", str(out)]) == 0
    standing = [each for each in lines(out / "incidents.jsonl") if each["state"] != "merged"]
    told = [each for each in standing if each["evidence"] == "strong"]
    of_it = [each for each in told if each["root"]["segment_name"] == name and metric in each["metrics"]]
    assert {each["tenant"] for each in of_it} == tenants
    assert len(of_it) == len(tenants)
    assert {each["root"]["segment_value"] for each in of_it} == {version}
    found = [each for each in lines(out / "anomalies.jsonl") if each["rule"] == "version_change"]
    assert {(each["segment_name"], each["segment_value"]) for each in found} == {(name, version)}
    capsys.readouterr()
    assert main(["markers", "--tenant", "harbour-bank", "--run", str(out), "--format", "json"]) == 0
    (marker,) = orjson.loads(capsys.readouterr().out)["rows"]
    assert (marker["name"], marker["version"]) == (name, version)
    assert marker["state"] == ("no_traffic" if release == "bad-sdk" else "changed")
