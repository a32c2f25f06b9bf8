"""A labelled window as it is published: counts, sketches, and the ISO rates with limits, status and coverage."""

from collections.abc import Mapping
from typing import NamedTuple

from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import Classes
from proofwatch.events import types
from proofwatch.events.identity import derived_id
from proofwatch.governance.policy import Policy
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of
from services.aggregator.core.labelled import MISSING, WindowKey
from services.aggregator.core.labelled_figures import figures
from services.aggregator.core.times import DAY_S


class Labelled(NamedTuple):
    """Everything a labelled window is made of.

    `requested` are the transactions that asked for (match, liveness), labelled or not; `policies` the labelled
    transactions by policy hash.
    """

    key: WindowKey
    revision: int
    backfill: bool
    classes: Classes
    requested: tuple[int, int]
    policies: Mapping[str, int]


def window_event(labelled: Labelled, policy: Policy, days: TenantDays) -> types.Window:
    """Return the window with the figures that `policy` asks for; `days` are the tenant's."""
    key = labelled.key
    name, value = key.segment_name or None, key.segment_value or None
    day = days.numbered(key.day)
    counts = {
        f"{trial_class}.{outcome}": n
        for trial_class, counted in labelled.classes.items()
        for outcome, n in (("passed", counted.passed), ("failed", counted.failed), (MISSING, counted.missing))
        if n
    }
    sketches = {
        trial_class: types.Sketch(**counted.scores.to_wire()._asdict())
        for trial_class, counted in labelled.classes.items()
        if isinstance(counted.scores, Sketch) and counted.n
    }
    return types.Window(
        schema_version=1,
        window_id=derived_id("window", "labelled", key.tenant, name, value, DAY_S, day.start_ms),
        kind="labelled",
        tenant=key.tenant,
        segment_name=name,
        segment_value=value,
        start=instant_of(day.start_ms),
        end=instant_of(day.end_ms),
        length_s=DAY_S,
        revision=labelled.revision,
        backfill=labelled.backfill,
        counts=counts,
        sums={},
        sketches=sketches,
        policies=dict(labelled.policies),
        figures=tuple(figures(labelled.classes, labelled.requested, policy)),
    )
