"""The files of a run."""

from pathlib import Path

from proofwatch.bus.records import Record
from proofwatch.events import topics
from services.standalone.results import Results


def test_notifications_stand_in_the_order_of_their_causes(tmp_path: Path) -> None:
    """By time, parts of a second too, then by id: in whatever order they were made."""
    causes = [("2026-01-01T00:00:02Z", "a"), ("2026-01-01T00:00:01.5Z", "c"), ("2026-01-01T00:00:01Z", "d")]
    causes.append(("2026-01-01T00:00:02Z", "0"))
    lines = [b'{"created_at":"%b","notification_id":"%b","x":1}' % (at.encode(), n.encode()) for at, n in causes]
    results = Results(tmp_path)
    results.write_output(topics.NOTIFICATIONS, [Record(n, 0, b"", line) for n, line in enumerate(lines)])
    results.order_notifications()
    results.close()
    assert (tmp_path / "notifications.jsonl").read_bytes().splitlines() == [lines[2], lines[1], lines[3], lines[0]]
