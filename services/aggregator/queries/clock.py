"""By whose clock a query reads times and writes tables: what is typed, else the run's, else what governs the tenant."""

import argparse
import asyncio
from typing import Final, NamedTuple

from proofwatch.bus.errors import BusError
from proofwatch.command_line.calendars import zone_of_run
from proofwatch.exits.standing import Standing, standing_of
from proofwatch.governance.follower import ReplicaBehind
from proofwatch.governance.keyring import InvalidKeyring
from proofwatch.runtime.clock import SystemClock
from services.aggregator.config import GovernedSettings

_WAIT_S: Final = 10.0
"""For Kafka: a table in UTC is better than none."""
_NAME_IT: Final = "name its time zone with --time-zone, such as Asia/Kolkata"


class TenantsClock(NamedTuple):
    """The time zone (None: UTC), and whence it is known.

    `standing`: what is in force with the tenant, for the door, where Kafka was read for the zone; None: it was not.
    """

    zone: str | None
    notes: list[str]
    standing: Standing | None = None


def clock_of(args: argparse.Namespace, settings: GovernedSettings) -> TenantsClock:
    """Return by whose clock a query is answered; `args`: `time_zone`, `run`, `tenant`.

    Tenants' settings are governed documents, which travel on Kafka and are in no table.
    """
    if args.time_zone or args.run:
        return TenantsClock(args.time_zone or zone_of_run(args.run), [])
    if settings.keyring_file is None:
        governs = "nobody governs tenants here (PROOFWATCH_KEYRING_FILE)"
        return TenantsClock(None, [f"times are UTC: {governs}; {_NAME_IT}"])
    try:
        zone, standing = asyncio.run(_in_force(settings, args.tenant))
    except ModuleNotFoundError as error:
        return _unknown(f"{error.name} is not installed (pip install 'proofwatch[kafka]')")
    except (BusError, ReplicaBehind, InvalidKeyring) as error:
        return _unknown(str(error))
    except TimeoutError:
        return _unknown(f"Kafka at {settings.kafka_bootstrap} did not answer within {_WAIT_S:g} s")
    if zone is None:
        return TenantsClock(None, [f"times are UTC: no settings of {args.tenant} are in force; {_NAME_IT}"], standing)
    return TenantsClock(zone, [f"times are {zone}, as the settings of {args.tenant} in force say"], standing)


def _unknown(why: str) -> TenantsClock:
    return TenantsClock(None, [f"times are UTC: the tenant's settings cannot be read: {why}; {_NAME_IT}"])


async def _in_force(settings: GovernedSettings, tenant: str) -> tuple[str | None, Standing]:
    """Return the time zone of a tenant now (None: its settings were never put in force), and what is in force."""
    from proofwatch.bus.kafka.bus import KafkaBus  # the driver belongs to an extra
    from services.aggregator.adapters.governed_calendars import GovernedCalendars

    bus, clock = KafkaBus.of(settings, "proofwatch-query"), SystemClock()
    follower = settings.documents(bus, clock)
    assert follower is not None, "there is a keyring"
    try:
        async with asyncio.timeout(_WAIT_S):
            await bus.start()
            await follower.start()
        calendars = GovernedCalendars(follower)
        now_ms = clock.now_ms()
        standing = standing_of(follower.replica.at(now_ms).tenants.get(tenant), now_ms)
        if tenant not in calendars.tenants():
            return None, standing
        return calendars.days_of(0)(tenant).calendar(now_ms).zone, standing
    finally:
        await follower.stop()
        await bus.stop()
