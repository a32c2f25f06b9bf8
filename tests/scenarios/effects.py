"""What a scenario plants in the traffic, and what is remembered of it as the truth."""

from typing import Final, Literal, NamedTuple

Slice = tuple[str | None, str | None]
"""Name and value of a segment; (None, None) is the whole tenant."""
WHOLE: Final[Slice] = (None, None)
Check = Literal["match", "liveness", "missing"]
"""`missing`: liveness scores that were requested and do not come."""
CHECKS: Final[tuple[Check, ...]] = ("match", "liveness", "missing")
ATTRIBUTES: Final = ("device_model", "sdk_version", "country", "os", "source")
VALUES: Final = ("a", "b", "c", "d")
"""Of each attribute, a quarter of the transactions each; attributes are independent of each other."""
SLICES: Final[tuple[Slice, ...]] = (WHOLE, *((name, value) for name in ATTRIBUTES for value in VALUES))
DAY_S: Final = 86_400


class Effect(NamedTuple):
    """What is other than usual from `from_s` until `until_s`, in seconds since the begin of the run.

    A first attempt at `check` in the slice `where` fails `factor` times as often, or with the probability `fixed`.
    `per_day`: the factor grows so many times each day. `again`: the probability with which a further attempt fails too.
    `volume`: so many times as many arrivals in the slice; 0 is an outage. `becomes`: the value that arrivals of the
    slice have instead, such as a new version. `scores`: where liveness scores lie then. `shift`: by how many of their
    standard deviations match scores that pass lie higher.
    """

    from_s: float
    until_s: float
    where: Slice = WHOLE
    check: Check = "liveness"
    factor: float = 1.0
    fixed: float | None = None
    per_day: float = 1.0
    again: float | None = None
    volume: float = 1.0
    becomes: Slice | None = None
    scores: Literal["usual", "all_one", "all_zero"] = "usual"
    shift: float = 0.0

    @property
    def fails(self) -> bool:
        """Return whether it changes how often a check fails."""
        return not self.factor == self.per_day == 1.0 or self.fixed is not None or self.again is not None

    def touches(self, from_s: float, until_s: float) -> bool:
        """Return whether any of it lies in [from_s, until_s)."""
        return self.from_s < until_s and from_s < self.until_s


class Plant(NamedTuple):
    """One planted cause: its effects, and what a true finding of it would name.

    It holds from `from_s` until `until_s`, seconds since the begin of the run. `where`: the slice that is its root;
    `metrics`: what it moves. `alike`: slices that would be right as well; `rules`: that are about
    it whatever the metric.
    """

    from_s: float
    until_s: float
    where: Slice
    metrics: frozenset[str]
    effects: tuple[Effect, ...]
    alike: tuple[Slice, ...] = ()
    rules: frozenset[str] = frozenset({"saturation", "few_values", "score_shift"})
