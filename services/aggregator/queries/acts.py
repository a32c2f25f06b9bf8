"""What people say of baselines and markers, as entries of the audit log: who, on what, why."""

import secrets
from datetime import datetime
from typing import Final

from proofwatch.audit.entry import SALT_BYTES, Entry, Object, entry, person
from proofwatch.events.identity import derived_id
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.governed_markers import Declared

REBASED: Final = "baseline.rebased"
DECLARED: Final = "marker.declared"


def entry_of_rebase(rebase: Rebase) -> Entry:
    """Return the entry of a rebase."""
    segment = "" if rebase.segment_name is None else f"/{rebase.segment_name}={rebase.segment_value}"
    return entry(
        person(rebase.by),
        REBASED,
        derived_id("entry", REBASED, *rebase),
        _now(),
        secrets.token_bytes(SALT_BYTES),
        objects=(Object("rates", f"{rebase.tenant}{segment}"), Object("metric", rebase.metric or "every")),
        tenant=rebase.tenant,
        reason=rebase.reason,
        details={"from": _text(rebase.from_ms), "effective_from": _text(rebase.effective_ms)},
    )


def entry_of_marker(marker: Declared) -> Entry:
    """Return the entry of a marker that a person declared."""
    return entry(
        person(marker.by),
        DECLARED,
        derived_id("entry", DECLARED, *marker),
        _now(),
        secrets.token_bytes(SALT_BYTES),
        objects=(Object("version", f"{marker.name}={marker.version}"),),
        tenant=marker.tenant,
        reason=marker.reason,
        details={"at": _text(marker.at_ms), "effective_from": _text(marker.effective_ms)},
    )


def _now() -> datetime:
    return instant_of(SystemClock().now_ms())


def _text(ms: int) -> str:
    return instant_of(ms).isoformat()
