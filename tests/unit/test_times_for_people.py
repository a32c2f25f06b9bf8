"""Every time that people read is by the tenant's clock, which is said: notices, titles, reports, view and tables."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from proofwatch.biometrics.rates import Limits
from proofwatch.detection.finding_words import finding_sentence, finding_title
from proofwatch.detection.incident import LogEnd
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.local_time import clock, minute, second
from services.notifier.core.facts import of_escalation, of_incident
from services.standalone.core.overview import Overview
from services.standalone.incidents import document
from services.standalone.report.opening import openings
from services.standalone.report.timeline import Bucket, Timeline
from services.standalone.report.timeline_plot import timeline
from services.standalone.view.screen import View
from services.triage.commands.text import as_table
from tests.unit.detection.anomalies import MIDNIGHT, anomaly
from tests.unit.notifier.events import escalation

ZONE: Final = "Asia/Kolkata"
SAID: Final = "Asia/Kolkata (UTC+5:30)"
ROOT: Final = Path(__file__).parents[2]
_FORMATS: Final = re.compile(r"%H:%M|\.isoformat\(sep|ctime\(")
"""A clock time made by hand."""
_BY_HAND: Final = {
    "libs/proofwatch/local_time.py": "the one place",
    "libs/proofwatch/access/errors.py": "an account's: UTC, and says so",
    "libs/proofwatch/access/register.py": "an account's: UTC, and says so",
    "libs/proofwatch/access/token_register.py": "for programs: the audit log",
    "libs/proofwatch/governance/keyring.py": "a key's end, which is no tenant's",
    "libs/proofwatch/scorefile/advice.py": "patterns of files",
    "libs/proofwatch/scorefile/guess_times.py": "patterns of files",
    "libs/proofwatch/scorefile/times.py": "patterns of files",
    "services/aggregator/core/found.py": "for programs",
    "services/auditor/commands/online.py": "the audit log is of all tenants",
    "services/auditor/commands/verdict_text.py": "the audit log is of all tenants: UTC, and says so",
    "services/imagery/commands/command.py": "the audit log is of all tenants: UTC, and says so",
    "services/imagery/core/marks.py": "burnt into a picture: UTC, and says so",
    "services/imagery/core/reconcile.py": "a pattern of logs",
    "services/operations/backup_table.py": "for programs",
    "services/operations/troubleshoot_path.py": "the operator's path through all stages: UTC, and says so",
    "services/operations/troubleshoot_text.py": "the operator's path through all stages: UTC, and says so",
    "services/outputs/statistics.py": "when somebody published: UTC, and says so",
    "services/people/command.py": "an account's: UTC, and says so",
    "services/people/review.py": "for programs",
    "services/people/tokens_text.py": "a machine's: UTC, and says so",
    "services/privacy/adapters/holds.py": "of people of all tenants: UTC, and says so",
    "services/privacy/adapters/restrictions.py": "of people of all tenants: UTC, and says so",
    "services/privacy/commands/erase.py": "of people of all tenants: UTC, and says so",
    "services/privacy/commands/hold.py": "of people of all tenants: UTC, and says so",
    "services/privacy/core/erasure.py": "of people of all tenants: UTC, and says so",
    "services/scorer/backtest/templates/opening.html": "of all tenants of a log: UTC, and says so",
    "services/standalone/core/overview.py": "`local`; the zone stands at the head of the view",
    "services/standalone/view/rates.py": "`local`; the zone stands at the head of the view",
    "services/triage/commands/patterns.py": "of the platform's patterns: UTC, and says so",
    "services/standalone/view/screen.py": "`local`, with its zone",
}


def test_nobody_writes_a_clock_by_hand() -> None:
    """What shows a time to people asks `local_time`, which names the zone; who does not says why here."""
    files = (
        each for top in ("libs", "services") for each in (ROOT / top).rglob("*") if each.suffix in (".py", ".html")
    )
    found = {each.relative_to(ROOT).as_posix() for each in files if _FORMATS.search(each.read_text(encoding="utf-8"))}
    assert found == set(_BY_HAND)


def in_words(text: str) -> None:
    """Assert that each time of a text is the tenant's, with its zone."""
    times = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?( \S+ \(UTC\S+?\))?", text)
    assert times, text
    assert set(times) == {f" {SAID}"}, text
    assert "UTC" not in text.replace(SAID, "")


def fired(**more: Any) -> Any:
    return anomaly(k=400, n=1000, baseline=0.02, severity="high", p_value=1e-30, time_zone=ZONE, **more)


@pytest.mark.parametrize("rule", ["twice_baseline", "saturation", "collapse", "volume", "cusum"])
def test_findings_and_incidents(rule: str) -> None:
    """Sentences, titles, notices, JSON and the report's opening."""
    first = fired(rule=rule, direction="up", cadence="real_time", since=MIDNIGHT, affected=300.0)
    in_words(finding_sentence(first, "all of bank"))
    state = observe(Incidents(), [first])
    (incident,) = state.changes
    incident = incident._replace(log_end=LogEnd(MIDNIGHT + timedelta(hours=9), "file"))
    event = event_of(incident)
    for words in (event.title, event.sentence, event.notice_title, event.notice):
        in_words(words)
    fact = of_incident(event)
    assert fact
    in_words(fact.title)
    in_words(fact.summary)
    in_words(document(incident)["sentence"])
    (opened,) = openings({}, [incident], Limits())
    in_words(opened.problems[0].title)
    in_words(opened.problems[0].until)


def test_ends() -> None:
    """Of a finding too."""
    over = fired(state="resolved", resolution="no_traffic")
    in_words(finding_sentence(over, "all of bank"))
    in_words(finding_title(over, "all of bank"))


def test_cases_tell_their_incident_s_times_and_none_of_their_own() -> None:
    """The event of a case of a person knows no tenant's zone."""
    told = of_escalation(escalation())
    assert not re.search(r"\d\d:\d\d", told.title + told.summary)


def test_a_table_of_cases_names_the_zone_of_its_times() -> None:
    """At the head of the column."""
    at = datetime(2026, 1, 1, 20, 0, tzinfo=UTC)
    rows = as_table([_case(at)], ZONE)
    assert f"CHANGED, {SAID}" in rows
    assert "2026-01-02 01:30" in rows


def _case(at: datetime) -> Any:
    class Now:
        case_id, tenant, state, queue, severity, assignee = "c", "bank", "open", "soc", "high", None
        stage, restricted = "new", False

    class Case:
        now, kind, changed_at, assignee_name, reasons = Now(), "subject", at, None, ("why",)

    return Case()


def test_the_report_s_drawing_and_the_view() -> None:
    """The axis says the zone; the clock at the head of the view does."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    buckets = [Bucket(start + timedelta(hours=n), 10, 1, 10, 1) for n in range(5)]
    drawn = str(timeline(Timeline(buckets, 3600), [], time_zone=ZONE))
    assert f"from 2026-01-01 05:30 to 2026-01-01 10:30 {SAID}" in drawn
    head = View("a run", 1, ZONE).render(Overview(zone=ZONE), 0, round(start.timestamp() * 1000))
    assert head is not None


def test_what_local_time_says() -> None:
    """With its zone, or where that is said once without."""
    at = datetime(2026, 1, 1, 20, 0, 7, tzinfo=UTC)
    assert (minute(at, ZONE), second(at, ZONE)) == (f"2026-01-02 01:30 {SAID}", f"2026-01-02 01:30:07 {SAID}")
    assert (clock(at, ZONE), minute(at)) == ("2026-01-02 01:30", "2026-01-01 20:00 UTC")
