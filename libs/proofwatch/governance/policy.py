"""Policies: every threshold, limit and horizon that decides something, in one versioned file.

A policy is identified by the hash of its content, so a verdict can name exactly what it rests on.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from proofwatch.events.enumerations import TransactionCheck
from proofwatch.strict_yaml import InvalidYaml, load_yaml

PROFILES = Path(__file__).parent / "policies"
Rate = Annotated[float, Field(gt=0, lt=1)]
Score = Annotated[float, Field(ge=0, le=1)]
SegmentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class InvalidPolicy(ValueError):
    """The policy file cannot be used; the message names file, key, value and what would be right."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MatchRule(_Part):
    """Face match: accepted when score ≥ threshold; below `marginal_below` it is accepted and counted apart."""

    threshold: Score
    marginal_below: Score

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.marginal_below < self.threshold:
            msg = f"marginal_below must be at least the threshold ({self.threshold})"
            raise ValueError(msg)
        return self


class LivenessRule(_Part):
    """Liveness: accepted when score ≥ threshold."""

    threshold: Score


class AttemptsRule(_Part):
    """The `limit`-th failure of a check within `window_hours` refers the subject to a person."""

    limit: Annotated[int, Field(ge=1, le=100)]
    window_hours: Annotated[int, Field(ge=1, le=24 * 90)]


class Limits(_Part):
    """Rates the biometric system promised; None: not promised. ISO/IEC 19795-1, 30107-3."""

    fmr: Rate | None = None
    fnmr: Rate | None = None
    fnmr_target: Rate | None = None
    apcer: Rate | None = None
    bpcer: Rate | None = None
    iapar: Rate | None = None


class RealTimeRule(_Part):
    """Limits of the detectors that look at each minute of a whole tenant.

    A finding of absence needs `expected_count` failures, scores or transactions that were to be expected.
    `saturated_share` of the scores at a bound, pairs of scores alike `few_values_factor` times as often as usual, the
    statistic `missing_limit` of missing scores (`missing_expected` stands in while too few were seen), no traffic for
    longer than `quiet_factor` times the longest quiet time, and `surge_factor` times the most traffic are findings; so
    is a share of the scores below any score that is `shift_distance` away from what is usual. One ends `quiet_minutes`
    minutes after it was over, at least.
    """

    expected_count: Annotated[int, Field(ge=10, le=1_000)] = 20
    saturated_share: Annotated[float, Field(ge=0.25, lt=1)] = 0.5
    few_values_factor: Annotated[float, Field(ge=2, le=100)] = 4.0
    missing_limit: Annotated[float, Field(ge=10, le=1_000)] = 40.0
    missing_expected: Rate = 0.01
    quiet_factor: Annotated[float, Field(ge=1, le=100)] = 2.0
    surge_factor: Annotated[float, Field(ge=1.5, le=100)] = 3.0
    shift_distance: Annotated[float, Field(ge=0.05, lt=1)] = 0.15
    quiet_minutes: Annotated[int, Field(ge=1, le=1_440)] = 5


class CusumRule(_Part):
    """The CUSUM of each rate over closed five-minute windows, upwards for `odds_ratio` and downwards for its inverse.

    Limits are in units of log likelihood and scaled by the dispersion of the series, which is taken to be at least
    `dispersion_floor`, and `dispersion_unknown` until its hours tell; `low_limit` is for whole tenants only.
    Baselines count once they have `baseline_days` or `baseline_failures`, else the expected rate stands in. Windows
    that alarm are left out of them for at most `left_out_days`. A chart that stood at zero in `quiet_windows` windows
    ends its finding. A segment value must be `segment_ratio` times the rest of its tenant at `segment_alpha`.

    People who are referred, once each, are rare, and do not cluster: their chart looks for `people_odds_ratio`, and
    has one limit, `people_limit` (`of_people`).
    """

    odds_ratio: Annotated[float, Field(gt=1, le=100)] = 2.0
    high_limit: Annotated[float, Field(gt=0, le=1_000)] = 15.0
    low_limit: Annotated[float, Field(gt=0, le=1_000)] = 4.5
    dispersion_floor: Annotated[float, Field(ge=1, le=100)] = 1.0
    dispersion_unknown: Annotated[float, Field(ge=1, le=100)] = 1.8
    baseline_days: Annotated[int, Field(ge=1, le=28)] = 7
    baseline_failures: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    left_out_days: Annotated[int, Field(ge=1, le=28)] = 7
    quiet_windows: Annotated[int, Field(ge=1, le=288)] = 3
    segment_ratio: Annotated[float, Field(ge=1, le=100)] = 1.5
    segment_alpha: Annotated[float, Field(gt=0, le=0.5)] = 0.001
    people_odds_ratio: Annotated[float, Field(gt=1, le=100)] = 10.0
    people_limit: Annotated[float, Field(gt=0, le=1_000)] = 17.0

    @cached_property
    def of_people(self) -> Self:
        """Return the rule for people who are counted once each: one limit, and no clusters until hours tell of some."""
        own = {
            "odds_ratio": self.people_odds_ratio,
            "high_limit": self.people_limit,
            "low_limit": self.people_limit,
            "dispersion_unknown": self.dispersion_floor,
        }
        return self.model_copy(update=own)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with changes not validated; what follows from them is worked out anew."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("of_people", None)
        return copied

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_limit > self.high_limit:
            msg = f"low_limit must be at most high_limit ({self.high_limit})"
            raise ValueError(msg)
        return self


class VersionRule(_Part):
    """When a version of matcher, PAD, SDK or policy is new, and what is a change.

    It is once it carries `least` transactions and the `share` of its tenant's within a day. A change of a rate is one
    by a factor of `rate_ratio` and by `rate_points` (0.01: one percentage point), of scores by `score_shift` standard
    deviations of ranks (Wasserstein), of durations by a factor of `timing_ratio` at their median or nine tenths; each
    with evidence, so that a release that changes nothing is accused with a probability of at most `false_alarms`.
    """

    least: Annotated[int, Field(ge=10, le=10_000)] = 30
    share: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    false_alarms: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    rate_ratio: Annotated[float, Field(gt=1, le=100)] = 1.5
    rate_points: Rate = 0.01
    score_shift: Annotated[float, Field(gt=0, le=1)] = 0.2
    timing_ratio: Annotated[float, Field(gt=1, le=100)] = 1.3


class Monitoring(_Part):
    """The 2 × baseline rule of days and its guard; `expected` stands in until `min_periods` earlier periods exist.

    A day of a whole tenant needs `daily_trials`.
    """

    factor: Annotated[float, Field(gt=1, le=100)]
    alpha: Annotated[float, Field(gt=0, le=0.5)]
    min_periods: Annotated[int, Field(ge=1, le=365)]
    expected: dict[str, Rate]
    daily_trials: Annotated[int, Field(ge=1, le=1_000_000)] = 30
    real_time: RealTimeRule = RealTimeRule()
    cusum: CusumRule = CusumRule()
    versions: VersionRule = VersionRule()


class VelocityRule(_Part):
    """Suspicious are at least `limit` proofs under one key within `window_minutes` of event time."""

    window_minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    limit: Annotated[int, Field(ge=2, le=100_000)]


class SuspicionRule(_Part):
    """What makes a transaction suspicious beside persisting liveness failures; what is left out is not looked for.

    A score below `match_far_below` or `liveness_far_below` is far below its limit. Of all transactions the share
    `label_sample` is asked to be labelled, chosen by hash.
    """

    match_far_below: Score = 0.0
    liveness_far_below: Score = 0.0
    subject_velocity: tuple[VelocityRule, ...] = ()
    device_velocity: tuple[VelocityRule, ...] = ()
    label_sample: Score = 0.0


class StepUpRule(_Part):
    """A user counts as flagged for `flagged_days` after a suspicion; step-up MFA holds for at least `hold_hours`."""

    flagged_days: Annotated[int, Field(ge=1, le=90)] = 30
    hold_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 72


class Policy(_Part):
    """One policy, whole. `hash` identifies its content."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
    match: MatchRule
    liveness: LivenessRule
    required_checks: tuple[TransactionCheck, ...] = ()
    attempts: AttemptsRule
    duplicate_horizon_minutes: Annotated[int, Field(ge=0, le=24 * 60)]
    max_ahead_seconds: Annotated[int, Field(ge=0, le=24 * 3600)]
    limits: Limits
    min_trials: Annotated[int, Field(ge=1)]
    segments: tuple[SegmentName, ...]
    suspicion: SuspicionRule = SuspicionRule()
    step_up: StepUpRule = StepUpRule()
    monitoring: Monitoring

    @cached_property
    def hash(self) -> str:
        """Return the first 32 hex digits of SHA-256 over the canonical JSON, or over the document it was read from."""
        return hashlib.sha256(self.canonical()).hexdigest()[:32]

    @classmethod
    def from_document(cls, document: Mapping[str, Any], policy_hash: str) -> "Policy":
        """Return the policy of a governed document, which keeps its hash.

        A key that this release knows and the document does not has its default; so the document of an older release
        has another canonical form here, and would have another hash. Raises `InvalidPolicy`.
        """
        policy = _validated(dict(document), "the document")
        policy.__dict__["hash"] = policy_hash  # as if it had been computed
        return policy

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with changes not validated; its hash follows."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("hash", None)
        return copied

    def canonical(self) -> bytes:
        """Return the policy as JSON with sorted keys and no blanks.

        A part that came with a later release is left out where it is the default, so that a policy keeps its hash.
        """
        document = self.model_dump(mode="json")
        for part in ("daily_trials", "real_time", "cusum", "versions"):
            if getattr(self.monitoring, part) == Monitoring.model_fields[part].default:
                del document["monitoring"][part]
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)

    def with_thresholds(self, match: float | None = None, liveness: float | None = None) -> "Policy":
        """Return the policy with other thresholds (None keeps one); the hash follows."""
        document = self.model_dump()
        if match is not None:
            width = self.match.marginal_below - self.match.threshold
            document["match"] = {"threshold": match, "marginal_below": min(1.0, round(match + width, 9))}
        if liveness is not None:
            document["liveness"] = {"threshold": liveness}
        return _validated(document, "the command line")

    def with_segments(self, names: Iterable[str]) -> "Policy":
        """Return the policy with further segments in its catalogue; the hash follows."""
        document = self.model_dump()
        document["segments"] = tuple(dict.fromkeys((*self.segments, *names)))
        return _validated(document, "the segments")


def load_policy(path: Path | None = None) -> Policy:
    """Read a policy file, or the default profile for None.

    Raises `InvalidPolicy` naming file, key, value and what would be right.
    """
    path = path or PROFILES / "default.yaml"
    try:
        document = load_yaml(path)
    except InvalidYaml as error:
        raise InvalidPolicy(str(error)) from error
    if not isinstance(document, dict):
        msg = f"{path}: must be a mapping of keys to values, for example a copy of {PROFILES / 'default.yaml'}"
        raise InvalidPolicy(msg)
    return _validated(document, str(path))


def _validated(document: dict[str, Any], where: str) -> Policy:
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        findings = "; ".join(_finding(e) for e in error.errors(include_url=False))
        msg = f"{where}: {findings}"
        raise InvalidPolicy(msg) from error


def _finding(error: Any) -> str:  # pydantic's ErrorDetails; its `input` is whatever the file held
    key = ".".join(str(part) for part in error["loc"]) or "policy"
    if error["type"] == "missing":
        return f"{key} is missing"
    if error["type"] == "extra_forbidden":
        return f"{key} is not a key of a policy (misspelled?)"
    return f"{key} = {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"
