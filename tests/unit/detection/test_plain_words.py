"""Every sentence over random values: no number that nobody can read, no code, no hole."""

import re
from datetime import timedelta
from math import inf, nan
from random import Random
from typing import Any, Final, get_args

import pytest
from msgspec.structs import replace

from proofwatch.detection.case_words import PARTS, numbers_words, part_words, reason_words
from proofwatch.detection.finding_words import finding_sentence, finding_title
from proofwatch.detection.findings import WHOLE, Slice
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.words import ENDED, METRICS, number, percent
from proofwatch.events.enumerations import (
    AnomalyAction,
    AnomalyDirection,
    IncidentEndedBy,
    SuspicionReason,
)
from proofwatch.events.types import Anomaly, Proof, Step
from services.triage.core.clusters import AT_LEAST, OUTRANKED
from tests.unit.detection.anomalies import MIDNIGHT, anomaly
from tests.unit.detection.test_harm import TABLE

_SLICE: Final[Slice] = ("sdk_version", "4.2")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?")
_CODE: Final = re.compile(r"\b[a-z]+_[a-z_]+\b")
_HOLES: Final = re.compile(r"\b(nan|inf|None|null)\b|\{|\}|\d[eE][-+]?\d")


def unreadable(text: str) -> list[str]:
    """Return numbers of more than four digits that are no counts, powers of ten, holes and codes."""
    plain = _DATE.sub("", text)
    long = [
        each
        for each in re.findall(r"\d[\d,]*\.\d+", plain)
        if len(each.replace(",", "").replace(".", "").lstrip("0")) > 4
    ]
    return [*long, *_CODE.findall(plain), *(each.group(0) for each in _HOLES.finditer(plain))]


def rate(random: Random) -> float:
    return random.choice([0.0, 1.0, random.random(), 10 ** random.uniform(-9, 0)])


def of_anything(random: Random, rule: str, metric: str, direction: AnomalyDirection, where: Slice) -> Anomaly:
    """Return a finding of a rule with random numbers, within what the schema allows."""
    n = random.choice([1, 37, 100_000, 10**9])
    k = random.randint(0, n)
    wild = random.choice([None, 0.0, 1 / 3, 123456.789, 1e-12, 9.87654321e20])
    more: dict[str, Any] = {
        "statistic": wild,
        "threshold": random.choice([None, 1 / 3, 12345.678]),
        "affected": random.choice([None, 0.4, 1234567.891]),
        "at_score": random.choice([None, 0.123456789]),
        "trials_needed": random.choice([None, 1234567]),
        "species": random.choice([None, ("mask", "replay")]),
        "since_low": random.choice([None, MIDNIGHT]),
        "time_zone": random.choice([None, "Asia/Kolkata"]),
        "counted": random.choice([None, "first_attempts"]),
    }
    if more["since_low"]:
        more["since_high"] = MIDNIGHT + timedelta(hours=20)
    found = anomaly(
        where,
        metric,
        rule=rule,
        k=k,
        n=n,
        baseline=random.choice([0.0, rate(random), 1234.56789 if rule in ("volume", "silence") else rate(random)]),
        direction=random.choice([direction, direction, None]),
        severity=random.choice(["high", "low_evidence"]),
        action=random.choice(get_args(AnomalyAction)),
        length_s=random.choice([60, 300, 86_400, 28 * 86_400]),
        **more,
    )
    return replace(found, low=rate(random), high=rate(random), p_value=random.choice([0.0, 1e-300, rate(random), 1.0]))


@pytest.mark.parametrize(("rule", "metric"), TABLE)
def test_findings_and_incidents_are_for_people(rule: str, metric: str) -> None:
    """All words of the event and of the finding itself, firing and ended, however wild the numbers."""
    random = Random(f"{rule}/{metric}")
    for _ in range(60):
        where = random.choice([WHOLE, _SLICE])
        fired = of_anything(random, rule, metric, random.choice(get_args(AnomalyDirection)), where)
        ended = replace(fired, state="resolved", resolution=random.choice([None, "no_traffic", "judged_anew"]))
        texts = [f(each, "all of bank") for f in (finding_sentence, finding_title) for each in (fired, ended)]
        (found,) = observe(Incidents(), [fired]).state.incidents.values()
        step = Step(
            metric=metric, since=MIDNIGHT, known_at=MIDNIGHT, direction="up", told=True, from_rate=rate(random),
            to_rate=rate(random), k=3, n=12345,
        )  # fmt: skip
        proof = Proof(
            anomaly_id="a", metric=random.choice(["iapar", "apcer", "injection_accept_rate"]), attacks=12345,
            accepted=7,
            low=rate(random), high=rate(random), limit=rate(random), since=MIDNIGHT, until=MIDNIGHT + timedelta(days=2),
            known_at=MIDNIGHT, species=random.choice([None, ("mask",)]),
        )  # fmt: skip
        found = found._replace(
            rejected=random.choice([0.0, 1234.5678, found.rejected]),
            chance=random.choice([0.0, 1e-9, rate(random), 123.456]),
            evidence=random.choice(["strong", "weak"]),
            steps=random.choice([(), (step,)]),
            proof=random.choice([None, proof]),
            until=random.choice([None, MIDNIGHT]),
            ended_by=random.choice(get_args(IncidentEndedBy)),
        )
        event = event_of(found)
        for text in (*texts, event.title, event.sentence, event.notice_title, event.notice):
            assert not unreadable(text), (text, unreadable(text))


def test_numbers_of_cases_and_alerts_are_for_people() -> None:
    """Whatever they are called, and however large."""
    for value in (0.0, 1 / 3, 1e-12, 1234567.891, 9.9e30, nan, inf):
        assert not unreadable(numbers_words({"some_number": value, "p_value": value, "attempts": value}))
    rated = {"k": 3.0, "n": 123456.0, "rate": 1 / 3e7, "expected_rate": 1 / 3, "rejected": 1234.56789}
    assert not unreadable(numbers_words(rated))
    for code in (*get_args(SuspicionReason), "limit_breach.injection_accept_rate", "cusum.liveness_fail_rate"):
        assert not unreadable(reason_words(code))
    for metric in METRICS:
        assert not unreadable(reason_words(f"cusum.{metric}"))
    assert not [each for each in ENDED.values() if unreadable(each)]


def test_clusters_and_their_members_say_why_in_words() -> None:
    """Each kind of evidence, and each way out; what a later release says is not repeated."""
    for by in AT_LEAST:
        assert "several people" in reason_words(f"cluster_{by}")
        assert by in PARTS
    assert reason_words("cluster_pattern.mask-7") == "one attack pattern matches several people: mask-7"
    assert part_words("device") == "the same handset as others here"
    assert part_words("cohort", OUTRANKED).endswith("no more: it belongs to another case by surer evidence")
    assert part_words("<b>", "<i>") == "it belongs here; no more: it was taken out"


def test_a_score_says_on_which_side_of_its_limit_it_is() -> None:
    """Whoever reads it in a hurry need not know whether more is better."""
    far = numbers_words({"score": 0.0, "limit": 0.3, "threshold": 0.6})
    assert far == "score 0, below its limit of 0.3, it passes from 0.6 on"
    assert numbers_words({"attempts": 4.0, "score": 0.41, "threshold": 0.8}) == (
        "score 0.41, below its threshold of 0.8, attempts 4"
    )
    assert numbers_words({"count": 5.0, "limit": 3.0, "window_minutes": 10.0}) == (
        "5 proofs within 10 minutes, where 3 is the limit"
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (1 / 3, "0.333"),
        (123456.7, "123,457"),
        (1234.5, "1,234"),
        (99.96, "100"),
        (1e-12, "less than 0.000001"),
    ],
)
def test_a_number_has_three_digits(value: float, said: str) -> None:
    """And no power of ten."""
    assert number(value) == said
    assert percent(0.0721) == "7.21 %"
