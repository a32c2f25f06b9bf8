"""The life of a finding, as one table for whatever is judged by windows: rates of windows, charts, promised limits.

A look at new counts is an observation, and what follows from it depends on where the finding stands. What the table
does not list raises. While a finding fires its severity only rises; it ends by an observation that is `within`.

The detectors of minutes have a table of their own (`MINUTE_TRANSITIONS`), because they truly differ: they know no
severity, a minute without trials is an observation, and what ends one of their findings is not a minute but what
several weigh together (`real_time.course`), so where this table resolves, that one weighs.
"""

from typing import Final, Literal

Observation = Literal["within", "weak", "low_evidence", "high"]
"""within: as it should be; weak: beyond the rule's limit, but not to be reported by itself."""
Phase = Literal["quiet", "low_evidence", "high"]
Effect = Literal["none", "fire", "escalate", "resolve", "hold"]

TRANSITIONS: Final[dict[tuple[Phase, Observation], Effect]] = {
    ("quiet", "within"): "none",
    ("quiet", "weak"): "none",
    ("quiet", "low_evidence"): "fire",
    ("quiet", "high"): "fire",
    ("low_evidence", "within"): "resolve",
    ("low_evidence", "weak"): "hold",
    ("low_evidence", "low_evidence"): "hold",
    ("low_evidence", "high"): "escalate",
    ("high", "within"): "resolve",
    ("high", "weak"): "hold",
    ("high", "low_evidence"): "hold",
    ("high", "high"): "hold",
}

MinuteObservation = Literal["no_trials", "unclear", "within", "beyond"]
"""no_trials: nothing of the series came; unclear: too little yet, or between the limits of beginning and ending."""
MinutePhase = Literal["quiet", "firing"]
MinuteEffect = Literal["none", "fire", "weigh", "count_empty"]

MINUTE_TRANSITIONS: Final[dict[tuple[MinutePhase, MinuteObservation], MinuteEffect]] = {
    ("quiet", "no_trials"): "none",
    ("quiet", "unclear"): "none",
    ("quiet", "within"): "none",
    ("quiet", "beyond"): "fire",
    ("firing", "no_trials"): "count_empty",
    ("firing", "unclear"): "weigh",
    ("firing", "within"): "weigh",
    ("firing", "beyond"): "weigh",
}
