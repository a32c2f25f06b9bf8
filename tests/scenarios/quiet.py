"""Scenarios in which nothing is planted: all that is found of high severity is a false alarm."""

from typing import Final

from tests.scenarios.scenario import Scenario
from tests.scenarios.sizes import QUIET
from tests.scenarios.targets import FEW
from tests.scenarios.tenants import Tenant

GULF: Final = Tenant(weekend=(4, 5), zone="Asia/Dubai")
INDIA: Final = Tenant(weekend=(6,), zone="Asia/Kolkata")

NULL: Final = (
    Scenario(
        "null",
        "Nothing happens for a year: ten tenants of 1,000 an hour, 20 segment values each, six metrics.",
        None,
        (FEW,),
        QUIET._replace(runs=10, days=365, attributes=5),
    ),
    Scenario(
        "retries_60",
        "Nothing happens for twelve weeks, but retries fail again in 60 % instead of 28 %.",
        None,
        (FEW,),
        QUIET._replace(days=84, minutes_in=1, attributes=5),
        tenant=Tenant(again=0.6),
    ),
    Scenario(
        "gulf",
        "Nothing happens for eight weeks; Friday and Saturday are the weekend, at UTC + 4; 4 segment values.",
        None,
        (FEW,),
        QUIET,
        tenant=GULF,
    ),
    Scenario(
        "india",
        "Nothing happens for eight weeks; Sunday alone is the weekend, at UTC + 5:30; 4 segment values.",
        None,
        (FEW,),
        QUIET,
        tenant=INDIA,
    ),
)
