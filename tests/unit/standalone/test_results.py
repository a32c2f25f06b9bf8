"""The files of a run can be read while they are written."""

from pathlib import Path

from proofwatch.bus.records import Record
from proofwatch.events import topics
from services.standalone.results import Results


def test_what_was_flushed_can_be_read(tmp_path: Path) -> None:
    """Incidents and report are made of the files before these are closed: the last lines must not be missing."""
    results = Results(tmp_path)
    results.write_output(topics.ANOMALIES, [Record(0, 0, b"bank", b"{}")])
    results.flush()
    assert (tmp_path / "anomalies.jsonl").read_bytes() == b"{}\n"
    results.close()
