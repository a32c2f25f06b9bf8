"""Which series a new version makes another: from its marker on, what was usual of them is no reference any more."""

from typing import Final, Protocol

from services.aggregator.core.versions.memory import Marker

_MATCH: Final = ("match", "fmr", "fnmr")
_LIVENESS: Final = ("liveness", "apcer", "bpcer", "apnrr", "bpnrr", "injection")
_BOTH: Final = ("rejection_rate", "retry_rate", "refer_rate", "fta", "iapar", "riapar")
_DECIDED: Final = ("rejection_rate", "retry_rate", "refer_rate", "match_fail_rate", "liveness_fail_rate")
_TOUCHES: Final = {
    "matcher_version": (*_MATCH, *_BOTH),
    "pad_version": (*_LIVENESS, *_BOTH),
    "sdk_version": ("",),
    "policy": (*_DECIDED, "fmr", "fnmr", "apcer", "bpcer", "iapar", "riapar"),
}
"""By dimension: what the names of the metrics begin with."""


class Series(Protocol):
    """A metric of a segment value; (None, None) is the whole tenant."""

    @property
    def segment_name(self) -> str | None: ...  # noqa: D102
    @property
    def segment_value(self) -> str | None: ...  # noqa: D102
    @property
    def metric(self) -> str: ...  # noqa: D102


def touched(marker: Marker, series: Series) -> bool:
    """Return whether a series of the marker's tenant is another one from `marker.since_ms` on.

    Another version of the same dimension goes on as it was.
    """
    if series.segment_name == marker.name and series.segment_value != marker.version:
        return False
    return series.metric.startswith(_TOUCHES[marker.name])
