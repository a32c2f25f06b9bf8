"""When step-up MFA is demanded of a cohort's flagged users: while the APCER of its labelled days is in breach.

The rule that detects writes both records, on and off, with hysteresis. What counts is the status of the day's
headline, which all species make (`proofwatch.biometrics.worst_of`):

| headline of a labelled day | step-up control off | on |
|---|---|---|
| BREACH: a species is above the limit | on, expires after 7 days | a later day: on again, 7 days more |
| INSUFFICIENT, but species that are small or unnamed are above it together | the same | the same |
| PASS: every species keeps it | – | off |
| else INSUFFICIENT, or no presentations | – | –, it ends by itself when it expires |

A day older than the one that decided last changes nothing, nor does backfill. A renewal is a record of its own, so
that what was in force at any earlier time can still be told from the compacted topic.
"""

from typing import Final, Literal, NamedTuple

import msgspec

from proofwatch.biometrics.figures import Status, judge
from proofwatch.biometrics.intervals import wilson
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Control, Figure, Window
from proofwatch.governance.cohort import Cohort
from proofwatch.instants import instant_of, ms_of
from services.aggregator.core.times import DAY_MS, DAY_S, MINUTE_MS

LEAD_MS: Final = MINUTE_MS
"""A control is in force from so long after the log time at which it is written, so that every scorer has it by then."""
HOLD_MS: Final = 7 * DAY_MS
_METRIC: Final = "apcer"


class StepUpState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was said last about a cohort: the day that decided, and when the control ends (None: it is off)."""

    day_ms: int
    expires_ms: int | None

    def on(self, now_ms: int) -> bool:
        """Return whether the control is in force, or about to be, at log time `now_ms`."""
        return self.expires_ms is not None and now_ms < self.expires_ms


class Ruling(NamedTuple):
    """What follows from a window: the cohort's state (the same object when nothing changes), and the record."""

    state: StepUpState | None
    control: Control | None = None


def cohort_of(window: Window) -> Cohort:
    """Return whom a window is about."""
    return Cohort(window.tenant, window.segment_name, window.segment_value)


def rule(window: Window, state: StepUpState | None, now_ms: int) -> Ruling:
    """Return what a published window means for its cohort's step-up control; `now_ms` is the log time."""
    headline = next((figure for figure in window.figures if figure.metric == _METRIC), None)
    if window.kind != "labelled" or window.length_s != DAY_S or window.backfill or headline is None:
        return Ruling(state)
    day_ms = ms_of(window.start)
    if state and day_ms < state.day_ms:
        return Ruling(state)
    on = state is not None and state.on(now_ms)
    begins_ms = now_ms + LEAD_MS
    if _above(headline) and not (on and state and day_ms == state.day_ms):
        expires_ms = begins_ms + HOLD_MS
        return Ruling(StepUpState(day_ms, expires_ms), _control(window, headline, begins_ms, expires_ms))
    if headline.status == "PASS" and on:
        return Ruling(StepUpState(day_ms, None), _control(window, headline, begins_ms, None))
    return Ruling(state)


def _above(headline: Figure) -> bool:
    """Return whether something is proven above the limit.

    A protection waits neither for the name of a species nor for trials or errors enough: a mixture will do, or one
    species that alone stands against PASS, by its own bound.
    """
    because = headline.because or ()
    if headline.status == "BREACH" or any(each.reason == "not_told_apart" for each in because):
        return True
    if len(because) != 1 or because[0].reason != "too_few_trials" or headline.limit is None or not because[0].n:
        return False
    return judge(because[0].k, because[0].n, headline.limit) is Status.BREACH


def _numbers(window: Window, headline: Figure) -> dict[str, float | None]:
    """Return the numbers of what is above the limit: of its worst species, or of what is not told apart."""
    shown = headline
    if _above(headline) and headline.because:
        mixture = [each for each in headline.because if each.reason == "not_told_apart"]
        above = mixture or headline.because
        by_species = {figure.species: figure for figure in window.figures if figure.metric.startswith(f"{_METRIC}:")}
        found = by_species.get(above[0].name) if above[0].name else None
        if found is None:
            k, n = above[0].k, above[0].n
            low, high = wilson(k, n)
            return {"k": k, "n": n, "rate": k / n, "low": low, "high": high}
        shown = found
    return {"k": shown.k, "n": shown.n, "rate": shown.value, "low": shown.low, "high": shown.high}


def _control(window: Window, headline: Figure, begins_ms: int, expires_ms: int | None) -> Control:
    state: Literal["on", "off"] = "off" if expires_ms is None else "on"
    tenant, name, value = cohort_of(window)
    evidence = _numbers(window, headline) | {"limit": headline.limit}
    return Control(
        schema_version=1,
        control_id=derived_id("control", "step_up_mfa", tenant, name, value, state, begins_ms),
        measure="step_up_mfa",
        state=state,
        tenant=tenant,
        segment_name=name,
        segment_value=value,
        effective_from=instant_of(begins_ms),
        expires_at=None if expires_ms is None else instant_of(expires_ms),
        reason="apcer_pass" if expires_ms is None else "apcer_breach",
        evidence={each: float(number) for each, number in evidence.items() if number is not None},
    )
