"""What findings and incidents say: what, where, since when, how sure, how many people, what next, what is missing."""

from datetime import timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from proofwatch.detection.finding_words import finding_sentence, finding_title
from proofwatch.detection.findings import WHOLE, Panel, Slice
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, gathered, observe
from proofwatch.detection.people_counts import people_counts
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.root_slice import Counts, Root
from proofwatch.detection.sentences import incident_account, incident_sentence, incident_title
from proofwatch.detection.words import metric_words
from proofwatch.events.codec import INCIDENT
from proofwatch.events.enumerations import AnomalyAction, AnomalyRule
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_HANDSET: Slice = ("device_model", "A-1801")


def _incident(*fired: Anomaly) -> Incident:
    (found,) = observe(Incidents(), fired).state.incidents.values()
    return found


def test_an_incident_says_all_that_a_fraud_lead_asks() -> None:
    """What, where, since when, rate against expected, how sure, share and rest, people, next step."""
    told = incident_sentence(_incident(anomaly(WHOLE, k=170, n=1000), anomaly(_HANDSET, k=155, n=250)))
    for part in (
        "Too many failed liveness checks at handset A-1801 of bank since 2026-03-02 14:00 UTC",
        "155 of 250 = 62 %",
        "expected 2 %",
        "Sure",
        "100 % of the excess of bank",
        "the rest is at 2 % (15 of 750), expected 2 %",
        "About 150 rejected beyond what was to be expected",
        "Next: review its transactions by hand.",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("metric", "became"), [("refer_rate", "referred for review"), ("retry_rate", "asked to try again")]
)
def test_who_is_referred_or_asked_to_try_again_is_not_rejected(metric: str, became: str) -> None:
    """Attempts, not people; what to look at; that no check fails more often by itself, where none is known to."""
    found = anomaly(_HANDSET, metric, k=21, n=580, baseline=0.0004)
    for told in (finding_sentence(found, "handset A-1801 of bank"), incident_sentence(_incident(found))):
        assert f"About 21 attempts {became} beyond what was to be expected" in told
        assert ": needlessly, as far as not by attackers." in told
        assert "rejected" not in told
        assert "Next: look at what happens when they try again; review its transactions by hand." in told
    told = incident_sentence(_incident(found))
    assert "No check is known to fail more often by itself: who fails tries again more often, or fails again." in told
    both = incident_sentence(_incident(found, anomaly(_HANDSET, "liveness_fail_rate", k=120, n=580)))
    assert "No check is known" not in both
    assert "rejected beyond what was to be expected" in both
    fewer = incident_sentence(_incident(anomaly(_HANDSET, metric, k=2, n=580, baseline=0.05, direction="down")))
    assert "try again; " not in fewer
    assert "No check is known" not in fewer


def test_a_slice_that_counts_name_is_told_with_its_own_counts() -> None:
    """Beside those of the whole tenant, which is what was judged."""
    found = anomaly(WHOLE, "refer_rate", k=21, n=2160, baseline=0.0004)
    panel = Panel("refer_rate", 300, ms_of(found.window_start))
    known = {panel: {WHOLE: (21, 2160), _HANDSET: (21, 580), ("device_model", "B"): (0, 1580)}}
    (incident,) = observe(Incidents(tables=known), [found]).state.incidents.values()
    told = incident_sentence(incident)
    assert "Too many referrals to people at handset A-1801 of bank since" in told
    assert "21 of 580 = 3.62 %. That is where it comes from: all of bank had 21 of 2,160 = 0.972 %" in told
    assert "It holds 100 % of the excess of bank; the rest is at 0 % (0 of 1,580)" in told
    other = incident._replace(root=incident.root._replace(rest=Counts(3, 4000, 0.0004)))
    assert "That is where it comes from" not in incident_sentence(other)  # counts of two windows are no parts of one


def test_a_finding_says_that_it_counted_first_attempts() -> None:
    """In its sentence, in that of its incident, and in JSON: they are about as many people."""
    fired = replace(anomaly(WHOLE, k=170, n=1000), counted="first_attempts")
    for told in (finding_sentence(fired, "all of bank"), incident_sentence(_incident(fired))):
        assert "170 of 1,000 first attempts = 17 %" in told
        assert "About 150" in told
    assert event_of(_incident(fired)).counted == "first_attempts"
    assert event_of(_incident(anomaly(WHOLE, k=170, n=1000))).counted is None


def test_people_are_told_beside_their_attempts() -> None:
    """Each person once by first attempts; the attempts of the same people where a finding counts all; else nothing."""
    first = replace(anomaly(WHOLE, k=170, n=1000, length_s=86_400, minute=0), counted="first_attempts")
    day = anomaly(WHOLE, "rejection_rate", k=330, n=1500, length_s=86_400, minute=0)
    told = event_of(_incident(first))
    assert (told.rejected, told.rejected_people) == (150, 150)
    assert "About 150 people rejected beyond what was to be expected" in told.sentence
    both = event_of(_incident(first, day))
    assert (both.rejected, both.rejected_people) == (300, 150)
    assert "About 150 people (300 attempts) rejected beyond what was to be expected" in both.sentence
    alone = event_of(_incident(day))
    assert (alone.rejected, alone.rejected_people) == (300, None)
    assert "About 300 rejected beyond" in alone.sentence
    assert INCIDENT.decode(INCIDENT.encode(both)) == both


def test_people_and_attempts_of_different_windows_are_not_told_as_one_count() -> None:
    """A chart of people tells anew with each doubling, at other times than that of attempts; of another slice never."""
    people = replace(anomaly(_HANDSET, k=50, n=1000, rule="cusum", minute=840), counted="first_attempts")
    tries = anomaly(_HANDSET, "retry_rate", k=99, n=2000, rule="cusum", minute=840, length_s=7200)
    told = event_of(_incident(people, tries))
    assert (told.rejected, told.rejected_people) == (59, 30)
    assert told.rejected_by == tries.window_end
    assert told.rejected_people_by == people.window_end
    assert "About 59 attempts rejected beyond" in told.sentence
    assert "so far (by 2026-03-02 16:00 UTC)" in told.sentence
    assert "Each person counted once, the rejected were about 30 by 2026-03-02 14:05 UTC." in told.sentence
    ended = event_of(_incident(people, tries, within(people, 960), within(tries, 960)))
    assert "About 30 people (59 attempts) rejected beyond what was to be expected: " in ended.sentence
    assert (ended.rejected_by, ended.rejected_people_by) == (None, None)
    other = replace(people, segment_name=None, segment_value=None)
    assert people_counts([finding_of(other), finding_of(tries)]).people is None


def test_people_who_are_referred_are_told_once_each() -> None:
    """With their referrals, where those are more; what to look at is what happens when they try again."""
    people = anomaly(_HANDSET, "people_refer_rate", k=9, n=580, baseline=0.0004, rule="cusum")
    alone = incident_sentence(_incident(people))
    assert "Too many people referred for review at handset A-1801 of bank" in alone
    assert "About 9 people referred for review beyond what was to be expected, so far (by 2026-03-02 14:05" in alone
    assert "look at what happens when they try again" in alone
    both = incident_sentence(_incident(people, anomaly(_HANDSET, "refer_rate", k=21, n=600, baseline=0.0004)))
    assert "About 9 people (21 attempts) referred for review beyond what was to be expected" in both
    assert "No check is known to fail more often by itself" in both


@pytest.mark.parametrize(
    ("rule", "direction", "metric", "title", "accepted", "severity", "step"),
    [
        (
            "saturation",
            "up",
            "liveness_score",
            "Liveness scores let everybody pass",
            True,
            "critical",
            "stop automatic",
        ),
        ("saturation", "down", "liveness_score", "Liveness scores let nobody pass", False, "high", "repair the check"),
        ("collapse", "down", "rejection_rate", "No rejections any more", True, "critical", "stop automatic"),
        ("collapse", "up", "rejection_rate", "Nothing but rejections", False, "high", "repair the check"),
        ("score_shift", "up", "match_score", "Face match scores are higher than before", True, "critical", "incident"),
        ("score_shift", "down", "match_score", "Face match scores are lower than", False, "high", "incident"),
    ],
)
def test_whom_a_check_that_fails_open_or_closed_harms(
    rule: str, direction: str, metric: str, title: str, accepted: bool, severity: str, step: str
) -> None:
    """Who is let in wrongly and who is kept out wrongly are different people, and ask for different things."""
    k = 42 if direction == "up" else 0
    fired = anomaly(WHOLE, metric, rule=rule, direction=direction, k=k, n=42, affected=40.0, action="incident_review")
    found = _incident(replace(fired, refused_rate=0.1) if rule == "saturation" and accepted else fired)
    assert (found.accepted >= 1, found.rejected >= 1, found.severity) == (accepted, not accepted, severity)
    told = incident_sentence(found)
    assert told.startswith(title)
    assert ("wrongly accepted" in told or "passed unchecked" in told) == accepted
    assert ("rejected beyond" in told) == (not accepted)
    assert step in told.partition("Next: ")[2]


@pytest.mark.parametrize(("rule", "metric"), [("volume", "transactions"), ("silence", "labels")])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_who_did_not_come_came_to_no_harm(rule: str, metric: str, direction: str) -> None:
    """A volume counts nobody who was judged wrongly, whatever its detector calls affected."""
    fired = anomaly(WHOLE, metric, rule=rule, direction=direction, k=0, n=20, affected=26.0, action="incident_review")
    found = _incident(fired)
    assert (found.accepted, found.rejected, found.severity) == (0.0, 0.0, "high")
    assert "About" not in incident_sentence(found)


def test_a_rule_that_knows_the_cause_says_what_to_do() -> None:
    """A chart counts more, later; that it is a release, and what to do about one, is still said."""
    release: Slice = ("sdk_version", "4.1.0")
    compared = anomaly(release, rule="version_change", k=60, n=300, action="hold_or_roll_back_release")
    chart = anomaly(release, rule="cusum", k=160, n=800, minute=900, first=840)
    found = _incident(compared, chart)
    assert found.lead.rule == "version_change"
    assert "Next: hold the roll-out, or roll it back." in incident_sentence(found)


def test_what_the_policy_expects_is_not_called_usual() -> None:
    """A rate without a baseline is compared with the policy's: whoever reads it must know."""
    fired = anomaly(WHOLE, rule="cusum", k=60, n=1500)
    assert "expected 2 % by the policy: what is usual here is not known yet" in finding_sentence(fired, "all of bank")
    known = replace(fired, baseline_k=200, baseline_n=10_000)
    assert "by the policy" not in finding_sentence(known, "all of bank")


def test_times_are_the_tenant_s_with_the_zone_said() -> None:
    """Of an incident, of a finding, of one that ended; the titles too."""
    fired = replace(anomaly(), time_zone="Asia/Kolkata")
    gone = replace(within(fired, 900, resolution="no_traffic", k=0, n=0), time_zone="Asia/Kolkata")
    since = "since 2026-03-02 19:30 Asia/Kolkata (UTC+5:30)"
    assert since in finding_sentence(fired, "all of bank")
    assert since in incident_title(_incident(fired))
    assert "It ended 2026-03-02 20:30 Asia/Kolkata (UTC+5:30): no traffic." in incident_sentence(_incident(fired, gone))
    assert "UTC+5:30" in finding_title(gone, "all of bank")
    assert " UTC" not in finding_sentence(gone, "all of bank").replace("(UTC+5:30)", "")


def test_a_limit_of_attacks_says_of_which_species_it_is_and_of_which_attacks_its_counts_are() -> None:
    """34 of 52 are of the masks, where the tenant had 66 attacks; injections are counted of all methods concerned."""
    broken = anomaly(WHOLE, "apcer", rule="limit_breach", k=34, n=52, baseline=0.005, species=("paper_mask",))
    said = incident_sentence(_incident(broken))
    assert "attacks passed as bona fide (APCER) by paper_mask at all of bank" in said
    assert "34 of 52 attacks by paper_mask = 65.4 %" in said
    both = finding_sentence(replace(broken, species=("paper_mask", "print")), "all of bank")
    assert "(APCER) by paper_mask, print at" in both
    assert "34 of 52 attacks by paper_mask = " in both
    injected = replace(broken, metric="injection_accept_rate", species=("a", "b", "c", "d", "e"))
    assert "34 of 52 injections by a, b, c and 2 more = " in finding_sentence(injected, "all of bank")


def test_what_is_all_of_it_is_not_told_twice() -> None:
    """Where nothing is beside the slice, its counts and the tenant's are the same ones."""
    broken = anomaly(WHOLE, "apcer", rule="limit_breach", k=34, n=52, baseline=0.005, species=("paper_mask",))
    found = _incident(broken)
    counts = Counts(34, 52, 0.005)
    root = found.root._replace(where=_HANDSET, counts=counts, rest=Counts(0, 0, 0.005), share=1.0)
    said = incident_sentence(found._replace(root=root))
    assert said.count("34 of 52") == 1
    assert "All of bank had 34 of 52 attacks by paper_mask = 65.4 % (95 % interval" in said
    assert "limit 0.5 %: all of them are of handset" in said
    assert "beside it" not in said


def test_attacks_that_passed_are_people_wrongly_accepted() -> None:
    """Not rejected ones."""
    told = incident_sentence(_incident(anomaly(_HANDSET, "apcer:mask", k=12, n=100, baseline=0.0)))
    assert "attacks passed as bona fide (APCER) by mask" in told
    assert "About 12 wrongly accepted" in told
    assert "labels say that they are attackers" in told
    assert "rejected" not in told.split("About")[1]


def test_trials_that_are_missing_are_said() -> None:
    """How long to wait for a proof."""
    fired = anomaly(rule="limit_breach", severity="low_evidence", trials_needed=598)
    assert "About 598 more trials are needed to prove the limit broken." in finding_sentence(fired, "all of bank")
    assert "598" in incident_sentence(_incident(fired))


def test_an_incident_that_ended_says_by_what() -> None:
    """Back within, or gone: not the same."""
    fired = anomaly()
    assert "within what is expected again" in incident_sentence(_incident(fired, within(fired, 900)))
    gone = within(fired, 900, resolution="no_traffic", k=0, n=0)
    assert "It ended 2026-03-02 15:00 UTC: no traffic." in incident_sentence(_incident(fired, gone))
    assert "its rate did not come back" in finding_sentence(gone, "all of bank")


def test_a_day_that_fires_after_its_minutes_are_quiet_does_not_hold_it_open() -> None:
    """The count of the day stays high, whatever the last hours were."""
    short = anomaly(length_s=300)
    told = incident_sentence(_incident(short, within(short, 900), anomaly(length_s=86_400, minute=0)))
    assert "It ended 2026-03-02 15:00 UTC" in told


def test_a_minute_that_was_little_of_a_bad_day_does_not_date_it() -> None:
    """Else a handset that is bad all day would be so since some five minutes in the evening."""
    short = anomaly(k=6, n=10, minute=1100)
    day = anomaly(length_s=86_400, minute=0, k=300, n=3000)
    assert _incident(short, within(short, 1105), day).since == MIDNIGHT


def test_nobody_is_to_be_reviewed_for_what_they_are() -> None:
    """Where a protected attribute is all that explains it."""
    assert "not by what people are" in incident_sentence(_incident(anomaly(("sex", "female"))))


@pytest.mark.parametrize("rule", get_args(AnomalyRule))
@pytest.mark.parametrize("action", get_args(AnomalyAction))
def test_every_rule_and_action_has_words(rule: str, action: str) -> None:
    """No code stands where words belong."""
    fired = anomaly(rule=rule, action=action, direction="down")
    for told in (finding_sentence(fired, "all of bank"), finding_title(fired, "all of bank")):
        assert "_" not in told
    assert "_" not in incident_title(_incident(fired))


def test_too_few_is_not_too_many() -> None:
    """A rate that collapses lets people in."""
    told = finding_sentence(anomaly(k=0, n=1000, rule="cusum", direction="down"), "all of bank")
    assert told.startswith("Too few failed liveness checks")
    assert "About 20 wrongly accepted, as far as the check would have refused them." in told


@pytest.mark.parametrize(("direction", "harm"), [("down", "wrongly accepted"), ("up", "rejected")])
def test_a_check_that_lets_all_in_and_one_that_lets_none_in_do_opposite_harm(direction: str, harm: str) -> None:
    """A collapse may be of failures or of passes."""
    told = finding_sentence(anomaly(k=1000, n=1000, rule="collapse", direction=direction), "all of bank")
    assert harm in told


def test_a_volume_is_no_rate() -> None:
    """Transactions in minutes, not of them."""
    told = incident_sentence(
        _incident(anomaly(metric="volume", rule="volume", direction="down", k=3, n=30, baseline=9.0))
    )
    assert "3 transactions came in 30 minutes" in told
    assert "3 of 30" not in told


def test_a_metric_without_words_is_read_as_it_is() -> None:
    """A new one need not be known here."""
    assert metric_words("upload_errors") == "upload errors"


def test_the_account_tells_incidents_from_what_chance_makes() -> None:
    """Weak ones are counted, not told."""
    strong, weak = _incident(anomaly()), _incident(anomaly(p_value=0.001))
    assert incident_account([strong, weak]) == "1 incident; 1 of weak evidence or a missed target, told to nobody"
    assert incident_account([]) == "No incident"


@pytest.mark.parametrize(
    ("rule", "direction", "says"),
    [
        ("silence", "down", "Labels stopped coming"),
        ("volume", "down", "Far fewer labels come"),
        ("volume", "up", "Far more labels come"),
    ],
)
def test_labels_are_no_traffic(rule: str, direction: str, says: str) -> None:
    """A bulk of late labels is no surge of traffic, and whoever sends labels is asked."""
    said = finding_sentence(anomaly(WHOLE, "labels", rule=rule, direction=direction), "all of bank")
    assert said.startswith(f"{says} at all of bank since")
    assert "raffic" not in said
    assert "Next: ask whoever sends labels" in said


def test_a_limit_is_not_called_expected() -> None:
    """It is what was promised."""
    said = finding_sentence(anomaly(WHOLE, "bpcer", k=20, n=849, rule="limit_breach"), "all of bank")
    assert ", limit 2 %" in said
    assert "expected" not in said.partition(". ")[0]


def test_a_limit_of_which_nobody_knows_since_when_says_which_days() -> None:
    """Its window's first day is none on which anything began; a day that the labels tell is said, with its bounds."""
    weeks: dict[str, Any] = {"rule": "limit_breach", "length_s": 28 * 86_400, "minute": 0, "k": 90, "n": 1000}
    unknown = anomaly((None, None), "fnmr", affected=60.0, **weeks)
    assert " at all of it from 2026-03-02 to 2026-03-29: 90 of 1,000" in finding_sentence(unknown, "all of it")
    (incident,) = gathered({unknown.anomaly_id: finding_of(unknown)}, {})
    assert incident_title(incident).endswith("at all of bank from 2026-03-02 to 2026-03-29")
    earlier = incident._replace(since=incident.since - timedelta(days=2))  # of another limit's window in the same cause
    assert incident_title(earlier).endswith("at all of bank from 2026-03-02 to 2026-03-29")
    days: dict[str, Any] = {
        f"since{side}": MIDNIGHT + timedelta(days=day) for side, day in (("", 9), ("_low", 8), ("_high", 12))
    }
    known = anomaly((None, None), "fnmr", affected=60.0, **weeks, **days)
    (incident,) = gathered({known.anomaly_id: finding_of(known)}, {})
    assert incident_title(incident).endswith("at all of bank since 2026-03-11 00:00 UTC")
    assert "It began between 2026-03-10 00:00 UTC and 2026-03-14 00:00 UTC (90 % sure)." in incident_sentence(incident)


def test_what_is_no_worse_than_the_rest_is_not_said_to_be_where_it_comes_from() -> None:
    """22 of 477 of a release, 15 of the 200 beside it: its tenant's figures are told, and what it holds."""
    found = observe(Incidents(), [anomaly(("sdk_version", "7.4.0"), k=22, n=477), anomaly(k=37, n=677)]).changes[0]
    rest = Counts(15, 200, 0.02)
    lead = anomaly(k=37, n=677)
    worse = Root(("sdk_version", "7.4.0"), Counts(22, 477, 0.02), 0.5, rest)
    told = incident_sentence(found._replace(lead=lead, root=worse))
    assert "That is where it comes from" not in told
    assert "37 of 677" in told
    better = Root(("sdk_version", "7.4.0"), Counts(34, 477, 0.02), 0.9, Counts(3, 200, 0.02))
    assert "That is where it comes from" in incident_sentence(found._replace(lead=lead, root=better))
