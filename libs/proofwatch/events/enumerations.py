# Generated from schemas/events by `python -m proofwatch.events.generate`; do not edit.
"""The enumerations of the events, each under the name of its event and field; a list's under that of one item."""

from typing import Literal

ActivationDocumentKind = Literal["policy", "tenant"]
"""Which kind of governed document."""
ActivationMode = Literal["live", "shadow"]
"""live decides; shadow is judged beside the live one and decides nothing."""
AnomalyState = Literal["firing", "resolved"]
"""Whether it holds."""
AnomalyRule = Literal[
    "twice_baseline",
    "cusum",
    "collapse",
    "saturation",
    "few_values",
    "score_shift",
    "missing_scores",
    "volume",
    "silence",
    "limit_breach",
    "sequential_limit",
    "version_change",
    "timing_jump",
]
"""The detector that found it: twice_baseline, the guarded 2 × baseline test; cusum, a persisting change of the odds; collapse, failures that were expected and did not come; saturation and few_values, scores that are all at a bound or all alike; score_shift, scores that are distributed otherwise; missing_scores; volume, traffic that stopped or surged; silence, labels that stopped; limit_breach, a promised limit that is proven broken; sequential_limit, the same by a test that may be looked at any time; version_change, a new version of SDK, matcher, PAD or policy that does otherwise than what ran before; timing_jump, durations that jumped."""
AnomalyCadence = Literal["real_time", "daily", "at_once"]
"""Which watch found it."""
AnomalySeverity = Literal["high", "low_evidence"]
"""high: the guard test is significant; low_evidence: the longer windows decide."""
AnomalyAction = Literal[
    "flag_cohort_for_manual_review",
    "incident_review",
    "audit_and_threshold_proposal",
    "step_up_mfa",
    "system_audit_and_fraud_investigation",
    "hold_or_roll_back_release",
]
"""What it causes."""
AnomalyResolution = Literal["no_traffic", "too_little_traffic", "judged_anew"]
"""Why it is resolved, where its rate did not come back: no_traffic, there were no more trials from window_start on; too_little_traffic, fewer than can be judged; judged_anew, what it was compared with no longer counts, since a governed change took effect at window_start; absent: the rate is back at its baseline."""
AnomalyDirection = Literal["up", "down"]
"""Whether what is watched is above or below what it is compared with; absent: above."""
ApprovalDocumentKind = Literal["policy", "tenant"]
"""Which kind of governed document."""
AttackPatternState = Literal["published", "withdrawn", "shadow"]
"""Whether transactions are compared with it: published, a match is a suspicion; shadow, a match is counted and changes nothing; withdrawn, they are not. Readers of releases before refuse shadow, so that the revision before goes on there: upgrade them first."""
AttackPatternSeverity = Literal["low", "medium", "high"]
"""How urgent a match is."""
ConsentPurpose = Literal[
    "provide_features", "maintain_and_deliver_statistics", "troubleshooting", "billing", "improve_and_develop"
]
"""The purpose consented to."""
ControlMeasure = Literal["step_up_mfa", "alarmed_cohort"]
"""step_up_mfa: flagged users of the cohort must pass a second factor; alarmed_cohort: its transactions are suspicious."""
ControlState = Literal["on", "off"]
"""Whether it begins or ends."""
ControlReason = Literal["apcer_breach", "apcer_pass", "anomaly", "operator"]
"""Typed reason code: apcer_breach, apcer_pass, operator, anomaly."""
DeadLetterReason = Literal[
    "malformed",
    "schema_mismatch",
    "unknown_schema_version",
    "unknown_schema_id",
    "time_ahead",
    "missing_key",
    "key_mismatch",
    "wrong_partition",
    "conflicting_duplicate",
    "tenant_not_served",
]
"""What is wrong."""
EscalationQueue = Literal["soc", "research"]
"""Where it goes."""
EscalationStatus = Literal["open", "escalated", "closed"]
"""State of the case after this change."""
EscalationSeverity = Literal["low", "medium", "high"]
"""How urgent."""
FigureStatus = Literal["PASS", "BREACH", "INSUFFICIENT"]
"""PASS, BREACH or INSUFFICIENT by the one-sided Clopper–Pearson bound at 95 %; null without a limit."""
FigureReason = Literal["too_few_trials", "straddles_the_limit", "not_told_apart"]
"""Why it is INSUFFICIENT: so few trials would not have shown the limit kept even without an error; or they would, and the interval holds the limit; or a mixture (small or unnamed members together) is above it, and nobody can say which of them; null otherwise."""
GuidanceAction = Literal[
    "retake_selfie", "reupload_document", "manual_kyc_review", "fraud_analyst_review", "step_up_mfa"
]
"""What the user is asked to do."""
IncidentState = Literal["firing", "ended", "merged"]
"""firing: it holds; ended: the evidence says that it does not any more; merged: it turned out to be a part of another incident."""
IncidentChange = Literal[
    "began", "rose", "rose_again", "fell_back", "grew", "traced", "again", "ended", "merged", "changed"
]
"""What is new: began, its evidence is strong for the first time; rose, it is graver; rose_again, a rate rose above the alarm’s own level; fell_back, it is at the level before, and goes on; grew, labels prove at least twice as many wrongly accepted as people were told of; traced, a new version turned out to be what it came with; again, it holds again; ended; merged; changed, its numbers."""
IncidentEvidence = Literal["strong", "weak"]
"""strong: chance does not explain it; weak: it may be chance, and nobody is told."""
IncidentSeverity = Literal["low", "high", "critical"]
"""low: of weak evidence, or what was ever so and keeps out less than one attempt in five; high: of strong evidence; critical: of strong evidence, and people or attacks are wrongly accepted, or pass unchecked."""
IncidentEndedBy = Literal["within", "no_traffic", "too_little_traffic", "judged_anew"]
"""How it ended: within, it is within what is expected again; no_traffic and too_little_traffic, for want of trials; judged_anew, a governed change began its comparison anew; absent: it holds."""
IncidentAction = Literal[
    "flag_cohort_for_manual_review",
    "incident_review",
    "audit_and_threshold_proposal",
    "step_up_mfa",
    "system_audit_and_fraud_investigation",
    "hold_or_roll_back_release",
]
"""The next step."""
IncidentDirection = Literal["up", "down"]
"""Whether the lead is above or below what it is compared with; absent: above."""
LabelPair = Literal["genuine", "impostor"]
"""Mated (genuine) or non-mated (impostor) comparison; null says nothing about the match."""
LabelPresentation = Literal["bona_fide", "attack"]
"""Bona fide presentation or presentation attack; null says nothing about liveness."""
LabelAttackClass = Literal["presentation", "injection"]
"""Presented to the sensor, or injected behind it (virtual camera, API call): an injection attack is in no APCER, and pai_species then names its method; null or absent: presentation, unless pai_species names an injection."""
MemberStatus = Literal["PASS", "BREACH", "INSUFFICIENT"]
"""PASS, BREACH or INSUFFICIENT by its own bound at 95 %, whatever the others are."""
MemberReason = Literal["too_few_trials", "straddles_the_limit", "not_told_apart"]
"""Why it is INSUFFICIENT: so few trials would not have shown the limit kept even without an error; or they would, and the interval holds the limit; or a mixture (small or unnamed members together) is above it, and nobody can say which of them; null otherwise."""
NotificationSeverity = Literal["info", "low", "medium", "high", "warning", "critical"]
"""How urgent."""
NotificationState = Literal["firing", "resolved", "raised"]
"""firing, resolved or a plain fact."""
PatternHitMode = Literal["live", "shadow"]
"""live: a suspicion was raised, too; shadow: the match changed nothing."""
PatternHitDecision = Literal["accept", "retry", "refer"]
"""What was decided about the transaction."""
PlatformAlertState = Literal["firing", "resolved"]
"""Whether it holds."""
PlatformAlertSeverity = Literal["info", "warning", "critical"]
"""How urgent."""
PlatformAlertKind = Literal[
    "health", "downtime", "availability", "lag", "dead_letters", "replayed_grant", "break_glass", "overdue_cases"
]
"""What is wrong."""
ShadowLiveDecision = Literal["accept", "retry", "refer"]
"""What was decided."""
ShadowShadowDecision = Literal["accept", "retry", "refer"]
"""What the shadow policy would have decided."""
StepDirection = Literal["up", "down"]
"""up: it rose; down: it fell back, which ends nothing."""
StepUpState = Literal["on", "off"]
"""on: demand it; off: no longer."""
SuspicionReason = Literal[
    "liveness_failures_persist",
    "match_far_below_threshold",
    "liveness_far_below_threshold",
    "subject_velocity",
    "device_velocity",
    "attack_pattern",
    "alarmed_cohort",
]
"""Typed reason code."""
SuspicionSeverity = Literal["low", "medium", "high"]
"""How urgent."""
ToldSeverity = Literal["info", "low", "medium", "high", "warning", "critical"]
"""How urgent it is."""
ToldState = Literal["firing", "resolved", "raised"]
"""firing, resolved or a plain fact."""
TransactionCheck = Literal["match", "liveness"]
"""The checks that upstream requested; a requested check without a score is a failure to acquire (match) or a non-response (liveness). A score that is present counts as requested."""
VerdictDecision = Literal["accept", "retry", "refer"]
"""accept: go on; retry: the user tries again; refer: a person decides."""
VerdictAction = Literal[
    "none", "retake_selfie", "reupload_document", "manual_kyc_review", "fraud_analyst_review", "step_up_mfa"
]
"""What upstream does next."""
VerdictReason = Literal[
    "match_below_threshold",
    "match_missing",
    "match_marginal",
    "liveness_below_threshold",
    "liveness_missing",
    "match_failures_persist",
    "liveness_failures_persist",
    "step_up_mfa_required",
]
"""Why, the leading reason first; empty for a plain accept."""
VerdictMatchOutcome = Literal["pass", "marginal", "fail", "missing", "not_requested"]
"""What became of the face match: marginal is accepted and counted apart; missing was requested and brought no score."""
VerdictLivenessOutcome = Literal["pass", "fail", "missing", "not_requested"]
"""What became of the liveness check: missing was requested and brought no score."""
WindowKind = Literal["decisions", "labelled"]
"""decisions: from verdicts alone; labelled: from verdicts joined with truth."""
