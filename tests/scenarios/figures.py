"""A scenario's result: the outcomes of its runs as a few figures, and which targets they meet."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import chdtri

from tests.scenarios.measure import Outcome
from tests.scenarios.targets import FLEET, YEAR_DAYS, Target

_WITHIN_S: Final = 3 * 3_600.0


class Met(NamedTuple):
    """A target with the figure that it is about; None: there is no such figure, so it is not met."""

    target: Target
    value: float | None
    years: float | None = None
    """Tenant-years that a rate of false findings was counted in."""

    @property
    def passes(self) -> bool:
        """Return whether it is met."""
        if self.value is None:
            return False
        return self.value <= self.target.limit if self.target.at == "most" else self.value >= self.target.limit

    @property
    def sign(self) -> str:
        """Return ≤ or ≥."""
        return "≤" if self.target.at == "most" else "≥"

    @property
    def word(self) -> str:
        """Return PASS, FAIL, or FAIL (known); of false findings in less than a fleet-year, that they refute nothing."""
        if self.passes and self.target.figure == "false_highs_fleet_year" and (self.years or 0.0) < FLEET:
            return f"not refuted in {self.years:.2f} tenant-years" if self.years else "PASS"
        return "PASS" if self.passes else "FAIL (known)" if self.target.known else "FAIL"


def figures(outcomes: Sequence[Outcome], *, planted: bool) -> dict[str, Any]:
    """Return what a scenario's runs come to. Delays that never ended count as longer than all others.

    `within_3h`: found at any severity by then; `told`: at least one incident of strong evidence.
    `incidents` and `right` are of the runs in which anything of high severity was found: what is found, and told as a
    part of something else, is not right. `since_held`: of the `since_bounds` runs whose incident says between when it
    began, in how many that is true; `rises`: times a run that what stands is said to have risen again.
    """
    years = sum(each.days for each in outcomes) / YEAR_DAYS
    false: dict[str, int] = {}
    for each in outcomes:
        for rule, count in each.false_highs.items():
            false[rule] = false.get(rule, 0) + count
    found: dict[str, Any] = {
        "runs": len(outcomes),
        "tenant_years": years,
        "false_highs": sum(false.values()),
        "false_highs_by_rule": dict(sorted(false.items())),
        "false_highs_tenant_year": sum(false.values()) / years,
        "false_highs_fleet_year": FLEET * sum(false.values()) / years,
        "false_highs_fleet_year_95": FLEET * float(chdtri(2 * sum(false.values()) + 2, 0.05)) / 2 / years,
        "naive_false_tenant_year": sum(each.naive_false for each in outcomes) / years,
        "bare_false_tenant_year": sum(each.bare_false for each in outcomes) / years,
    }
    if planted:
        noticed = [each for each in outcomes if each.high_s is not None]
        found |= _delays("high", [each.high_s for each in outcomes])
        found |= _delays("low", [each.low_s for each in outcomes])
        found |= _delays("naive", [each.naive_s for each in outcomes])
        found["within_3h"] = _share([each.low_s is not None and each.low_s <= _WITHIN_S for each in outcomes])
        found["high_within_3h"] = _share([each.high_s is not None and each.high_s <= _WITHIN_S for each in outcomes])
        found["told"] = _share([each.incidents > 0 for each in outcomes])
        found["incidents"] = sum(each.incidents for each in noticed) / len(noticed) if noticed else None
        found["right"] = _share([bool(each.right) for each in noticed]) if noticed else None
        errors = sorted(abs(each.since_error_s) for each in outcomes if each.since_error_s is not None)
        found["since_error_50_s"] = errors[(len(errors) - 1) // 2] if errors else None
        held = [each.since_held for each in outcomes if each.since_held is not None]
        found["since_held"], found["since_bounds"] = _share(held) if held else None, len(held)
        found["rises"] = sum(each.rises for each in outcomes) / len(outcomes)
        found["naive_alarms"] = sum(each.naive_alarms for each in outcomes) / len(outcomes)
    return found


def judged(targets: Sequence[Target], found: Mapping[str, Any]) -> list[Met]:
    """Return a scenario's targets, each with its figure."""
    return [Met(target, found.get(target.figure), found.get("tenant_years")) for target in targets]


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)


def _delays(name: str, seconds: Sequence[float | None]) -> dict[str, Any]:
    """Return median, 90 % and the share that was found at all; None: as many were not found."""
    ordered = sorted(np.inf if each is None else each for each in seconds)
    found = {"50": ordered[(len(ordered) - 1) // 2], "90": ordered[-(-len(ordered) * 9 // 10) - 1]}
    return {
        **{f"{name}_{part}_s": None if value == np.inf else value for part, value in found.items()},
        f"{name}_found": sum(each != np.inf for each in ordered) / len(ordered),
        f"{name}_delays_s": [each for each in ordered if each != np.inf],
    }
