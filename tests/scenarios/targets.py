"""What is to come of a scenario."""

from typing import Final, Literal, NamedTuple


class Target(NamedTuple):
    """A figure of a scenario's result and its limit; `known`: why it is accepted that it is not met."""

    figure: str
    at: Literal["most", "least"]
    limit: float
    known: str = ""


AS_ONE: Final = (Target("told", "least", 0.95), Target("incidents", "most", 1.2), Target("right", "least", 0.95))
"""What is planted is told as one incident, which names it."""
HELD: Final = Target("since_held", "least", 0.9)
"""Begins lie within what is called nine in ten."""
STANDS: Final = Target("rises", "most", 0.05)
"""What only stands is told once: of twenty alarms that stand for a week one may be said to have risen again."""
FEW: Final = Target("false_highs_fleet_year", "most", 7.0)
"""The budget of all detectors together."""
HALF: Final = Target("false_highs_fleet_year", "most", 0.5)
"""The budget of what watches downwards and shapes."""
FLEET: Final = 10
"""Tenants of a fleet."""
YEAR_DAYS: Final = 365.0
