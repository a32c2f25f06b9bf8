"""The scripted days: what becomes of a tenant's transactions on each of them."""

import zlib
from typing import Final

from msgspec.structs import replace as with_fields

from proofwatch.events.types import Transaction
from proofwatch.simulation.scenario import Scenario, Wave
from tests.scenarios.journeys import Journey
from tests.scenarios.plants import MATCH, VOLUME
from tests.scenarios.targets import AS_ONE, Target

TENANT: Final = "harbour-bank"


def _opened(transaction: Transaction, planted: bool) -> Transaction:
    return with_fields(transaction, liveness_score=1.0) if planted else transaction


def _gone(transaction: Transaction, planted: bool) -> Transaction | None:
    return None if planted else transaction


def _bad_release(transaction: Transaction, planted: bool) -> Transaction:
    """Let one in five of the users of a release fail liveness."""
    of_release = transaction.device is not None and transaction.device.sdk_version == "11.1.4"
    chosen = zlib.crc32(transaction.transaction_id.encode()) % 5 == 0
    return with_fields(transaction, liveness_score=0.98) if planted and of_release and chosen else transaction


def _new_matcher(transaction: Transaction, planted: bool) -> Transaction:
    """Let a matcher that scores 0.06 lower take over."""
    score = transaction.match_score
    if not planted:
        return with_fields(transaction, matcher_version="matcher-7")
    lower = None if score is None else max(0.0, score - 0.06)
    return with_fields(transaction, matcher_version="matcher-8", match_score=lower)


_WHOLE: Final = ((None, None),)
JOURNEYS: Final = (
    Journey(
        "day_demo",
        "The demo's day: an attack wave from one handset model on one of three tenants.",
        "lumen-telco",
        14.0,
        15.5,
        (("device_model", "A-1801"), ("os_version", "11")),
        (Target("incidents_all", "most", 10.0), *AS_ONE),
        waves=Scenario().waves,
    ),
    Journey(
        "day_fail_open",
        "From 14:00 on every liveness score of one tenant is 1.0, for two hours.",
        TENANT,
        14.0,
        16.0,
        _WHOLE,
        (Target("high_50_s", "most", 300.0), *AS_ONE),
        change=_opened,
    ),
    Journey(
        "day_injection",
        "A wave of injected video from one handset model, of a species that nobody has met, for two hours.",
        TENANT,
        10.0,
        12.0,
        (("device_model", "K-12"), ("os_version", "16")),
        AS_ONE,
        waves=(Wave(TENANT, 10.0, 12.0, 0.02, ("virtual-camera",), "K-12"),),
    ),
    Journey(
        "day_novel_species",
        "A wave of masks, which no campaign has met, from the commonest handset model, for three hours.",
        TENANT,
        9.0,
        12.0,
        (("device_model", "A-2406"), (None, None)),
        AS_ONE,
        waves=(Wave(TENANT, 9.0, 12.0, 0.03, ("silicone-mask",), "A-2406"),),
    ),
    Journey(
        "day_release",
        "One in five users of an SDK release fails liveness; it is rolled back after three hours.",
        TENANT,
        10.0,
        13.0,
        (("sdk_version", "11.1.4"),),
        AS_ONE,
        change=_bad_release,
    ),
    Journey(
        "day_version",
        "At noon a matcher takes over that scores 0.06 lower.",
        TENANT,
        12.0,
        24.0,
        (("matcher_version", "matcher-8"), (None, None)),
        AS_ONE,
        metrics=MATCH,
        change=_new_matcher,
    ),
    Journey(
        "day_outage",
        "One tenant sends nothing for an hour.",
        TENANT,
        11.0,
        12.0,
        _WHOLE,
        (Target("high_50_s", "most", 1_200.0), *AS_ONE),
        metrics=frozenset(),
        rules=VOLUME,
        change=_gone,
    ),
)
