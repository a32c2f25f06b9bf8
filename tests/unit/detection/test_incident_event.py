"""The event of an incident: codes and numbers, and words for those who may see values of segments and those who not."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from proofwatch.detection.findings import WHOLE, Slice
from proofwatch.detection.incident_event import CHILDREN, change_of, event_of
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.known_by import known_by
from proofwatch.events import codec, types
from proofwatch.events.types import Anomaly
from tests.unit.detection.anomalies import anomaly, within

_HANDSET: Slice = ("device_model", "A-1801")


def _event(*fired: Anomaly) -> types.Incident:
    return event_of(observe(Incidents(), fired).changes[0])


def test_the_root_is_named_with_what_remains_without_it() -> None:
    """Slice, share, rest, and the finding that leads."""
    fired = (anomaly(WHOLE, k=170, n=1000), anomaly(_HANDSET, k=155, n=250), anomaly(("os", "android"), k=160, n=600))
    event = _event(*fired)
    assert event.root == (types.Slice(segment_name="device_model", segment_value="A-1801"),)
    assert (event.share, event.rest_k, event.rest_n) == (1.0, 15, 750)
    assert (event.lead_anomaly_id, event.k, event.n) == (fired[1].anomaly_id, 155, 250)
    assert set(event.children) == {fired[0].anomaly_id, fired[2].anomaly_id}
    assert event.described == (types.Slice(segment_name="os", segment_value="android"),)


def test_its_words_are_in_the_tenant_s_time_and_its_fields_in_utc() -> None:
    """The zone is the leading finding's, and goes with the event."""
    event = _event(replace(anomaly(), time_zone="Asia/Kolkata"))
    assert event.time_zone == "Asia/Kolkata"
    assert event.since.isoformat() == "2026-03-02T14:00:00+00:00"
    for text in (event.title, event.sentence, event.notice_title, event.notice):
        assert "since 2026-03-02 19:30 Asia/Kolkata (UTC+5:30)" in text
    assert _event(anomaly()).time_zone is None


def test_the_whole_tenant_is_no_slice() -> None:
    """An empty root."""
    assert _event(anomaly(WHOLE, k=500, n=1000)).root == ()


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (_HANDSET, "handset A-1801 of bank"),
        (("os", "android 14"), "operating system android 14 of bank"),
        (("sdk_version", "5.2.0-rc1+build.7"), "SDK 5.2.0-rc1+build.7 of bank"),
        (("matcher_version", "m7"), "matcher m7 of bank"),
        (("pad_version", "2026.1"), "PAD 2026.1 of bank"),
        (("source", "web"), "source web of bank"),
        (("country", "IN"), "one country of bank"),
        (("age_band", "65+"), "one age band of bank"),
        (("branch", "Pune"), "one branch of bank"),  # a tenant's own: nobody knows what it holds
        (("device_model", "490154203237518"), "one handset of bank"),  # that handset, and no model
        (("device_model", "asha@example.org"), "one handset of bank"),
        (("device_model", "<script>"), "one handset of bank"),
        (("device_model", "x" * 60), "one handset of bank"),
        (("Device Model", "A-1801"), "one segment of bank"),
    ],
)
def test_a_notice_names_what_describes_no_person(where: Slice, told: str) -> None:
    """Handset, release and version are what a roll-out is held by; what people are stays where access is controlled."""
    event = _event(anomaly(where, k=90, n=100))
    for text in (event.notice_title, event.notice):
        assert told in text
        assert told.startswith("one ") is (str(where[1]) not in text)
    assert str(where[1]) in event.title


def test_a_notice_names_a_species_and_no_text_of_others() -> None:
    """A species is a kind of artefact; what is no plain name is somebody else's text."""
    named, marked = (
        _event(anomaly(_HANDSET, f"apcer:{species}", k=12, n=100, baseline=0.0))
        for species in ("silicone mask", "<script>")
    )
    for text in (named.notice_title, named.notice):
        assert "attacks passed as bona fide (APCER) by silicone mask" in text
    for text in (marked.notice_title, marked.notice):
        assert "attacks passed as bona fide (APCER) at handset" in text
        assert "script" not in text


def test_a_notice_names_the_species_of_a_limit_where_all_of_them_are_plain() -> None:
    """The first is the one that is counted, so none is left out of several."""
    broken = anomaly(_HANDSET, "apcer", rule="limit_breach", k=34, n=52, baseline=0.005, species=("paper_mask",))
    assert "(APCER) by paper_mask at" in _event(broken).notice_title
    event = _event(replace(broken, species=("<script>", "paper_mask")))
    assert "(APCER) at" in event.notice_title
    assert "script" not in event.notice
    assert "(APCER) by <script>, paper_mask at" in event.title


def test_the_gravest_are_those_where_people_or_attacks_are_wrongly_accepted() -> None:
    """Rejections are high, wrong acceptances critical, and what chance explains is low."""
    assert _event(anomaly(WHOLE, k=500, n=1000)).severity == "high"
    assert _event(anomaly(WHOLE, "fmr", k=50, n=1000, rule="limit_breach")).severity == "critical"
    assert _event(anomaly(WHOLE, k=50, n=1000, p_value=0.0009)).severity == "low"


def test_what_its_own_rule_calls_low_evidence_is_weak() -> None:
    """However small p is: the bare 2 × of a day is never told by itself."""
    low = anomaly(WHOLE, length_s=86_400, minute=0, severity="low_evidence", p_value=1e-6)
    assert _event(low).evidence == "weak"
    assert _event(anomaly(WHOLE, rule="cusum", severity="low_evidence", p_value=1e-9)).evidence == "weak"
    assert _event(anomaly(WHOLE, rule="cusum")).evidence == "strong"


def test_news_of_an_end_say_so_first() -> None:
    """Who reads a title only knows that it is over."""
    fired = anomaly(WHOLE, k=500, n=1000)
    assert _event(fired, within(fired, 900)).title.startswith("Ended (within what is expected again): Too many")


def test_however_many_there_are_it_can_be_read() -> None:
    """Children are capped, with their count; so is text of others."""
    many = [anomaly(("device_model", "x" * 3000), f"m{number}") for number in range(CHILDREN + 20)]
    event = _event(*many)
    assert len(event.children) == CHILDREN
    assert event.children_count == CHILDREN + 19
    assert codec.INCIDENT.decode(codec.INCIDENT.encode(event)) == event


def _stopped(minute: int, k: int, n: int, **more: object) -> Anomaly:
    return anomaly(
        WHOLE, "transactions", rule="volume", direction="down", k=k, n=n, minute=minute, baseline=0.5, length_s=60 * n,
        cadence="real_time", **more,
    )  # fmt: skip


def test_what_holds_again_is_told_by_what_holds_and_not_by_the_first_time() -> None:
    """A stop, its end, and another one within the hour: the text, since when, and the time are of the second."""
    first, second = _stopped(600, 5, 80, affected=35.0), _stopped(720, 24, 60, affected=6.0)
    state = observe(Incidents(), [first]).state
    state = observe(state, [within(first, 690)]).state
    (known,) = state.incidents.values()
    ((changed,), at) = observe(state, [second]).changes, second.window_end
    event = event_of(changed, known, at)
    assert event.change == "again"
    assert event.notice_title.startswith("Again since 2026-03-02 12:00 UTC: Traffic has all but stopped")
    assert "24 transactions came in 60 minutes" in event.notice
    assert "5 transactions came" not in event.notice
    assert known_by(event) == at


def test_a_revision_is_known_when_what_made_it_is() -> None:
    """Labels prove of a window what is known days after it."""
    found, late = observe(Incidents(), [anomaly()]).changes[0], anomaly().window_end + timedelta(days=6)
    assert known_by(event_of(found, None, late)) == late
    assert known_by(event_of(found)) == anomaly().window_end


def test_what_was_a_part_of_another_one_and_stands_by_itself_again_is_not_told_anew() -> None:
    """People were told of it before it merged."""
    found = observe(Incidents(), [anomaly()]).changes[0]
    assert change_of(found, found._replace(state="merged")) == "changed"


def test_a_notice_says_why_it_does_not_say_which() -> None:
    """Of people, of what a tenant named itself, and of what is no plain name; of a handset there is nothing to say."""
    assert (
        "Which country it is no notice says, because it describes people" in _event(anomaly(("country", "IN"))).notice
    )
    assert "Which branch it is no notice says, because nobody knows" in _event(anomaly(("branch", "Pune"))).notice
    assert "no notice says" not in _event(anomaly(_HANDSET)).notice
    assert "no notice says" not in _event(anomaly(("country", "IN"))).sentence
