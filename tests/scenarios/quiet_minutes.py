"""Tenants whose minutes are watched for years in which nothing happens: of the fleet, and with particular habits."""

from datetime import date
from typing import Final

from tests.scenarios.minute_years import MinuteScenario
from tests.scenarios.scores import Habit
from tests.scenarios.targets import HALF
from tests.scenarios.tenants import Tenant

_HOLIDAYS: Final = (
    date(2026, 1, 6),
    date(2026, 4, 3),
    date(2026, 4, 6),
    date(2026, 5, 1),
    date(2026, 5, 14),
    date(2026, 5, 25),
    date(2026, 10, 3),
    date(2026, 12, 24),
    date(2026, 12, 25),
    date(2026, 12, 26),
    date(2026, 12, 31),
    date(2027, 1, 1),
)
BERLIN: Final = Tenant(zone="Europe/Berlin", holidays=_HOLIDAYS)
"""Clocks change in March and October; free days have two fifths of the traffic, the night a tenth."""

QUIET_MINUTES: Final = (
    MinuteScenario(
        "minutes",
        "Ten tenants of 1,000 an hour, two fifths of it on free days, a tenth at night; clocks change twice.",
        BERLIN,
        runs=10,
    ),
    MinuteScenario("minutes_100", "The same with 100 an hour.", BERLIN._replace(per_hour=100.0)),
    MinuteScenario("minutes_10", "The same with 10 an hour.", BERLIN._replace(per_hour=10.0), runs=10),
    MinuteScenario("minutes_nights", "The same, and nobody comes from one to five.", BERLIN._replace(swing=1.4)),
    MinuteScenario(
        "minutes_office",
        "The same, from 8 to 18 on working days and at no other time.",
        BERLIN._replace(open_hours=(8, 18), weekend_volume=0.0),
    ),
    MinuteScenario(
        "minutes_unnamed",
        "The same with 30 % on free days, and holidays that the services are not told of.",
        BERLIN._replace(weekend_volume=0.3, named=False),
        (HALF._replace(known="a holiday that nobody named is a working day without its traffic"),),
    ),
    MinuteScenario("minutes_retries_60", "The same, where retries fail again in 60 %.", BERLIN._replace(again=0.6)),
    MinuteScenario(
        "minutes_decimals",
        "The same with scores of two decimals: whoever passes liveness has 1.00.",
        BERLIN._replace(scores=Habit(decimals=2)),
    ),
    MinuteScenario(
        "minutes_answers",
        "The same with a vendor whose liveness scores that pass are one of five.",
        BERLIN._replace(scores=Habit(answers=(0.9951, 0.9962, 0.9973, 0.9984, 0.9995))),
    ),
    MinuteScenario(
        "minutes_moving",
        "The same, where hours' rates differ by 30 %, match scores by 0.3 of their spread from day to day.",
        BERLIN._replace(hours_differ=0.3, scores=Habit(of_day=0.3, of_hour=0.1)),
    ),
)
