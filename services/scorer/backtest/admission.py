"""Who may judge a tenant's transactions anew, whom that leaves out, and whether nobody more is to be left out since."""

import argparse
from typing import TYPE_CHECKING, NamedTuple

from proofwatch.exits.asking import Asking, NotSaid
from proofwatch.exits.table import BACKTEST
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.governance.subject_settings import SubjectSettings
from proofwatch.instants import instant_of
from proofwatch.privacy.restriction import RestrictedSubjects, restricted_subjects
from proofwatch.runtime.cell_settings import CellSettings
from proofwatch.runtime.clock import SystemClock

if TYPE_CHECKING:
    from proofwatch.exits.door import Granted


class Settings(GovernanceSettings, CellSettings, SubjectSettings):
    """What governs, what is shown, and by what it is told whose a transaction is."""


class Admission(NamedTuple):
    """Who was let through, and whom they leave out."""

    granted: "Granted"
    restricted: RestrictedSubjects


async def admit(args: argparse.Namespace, settings: Settings, asked: Asking) -> Admission:
    """Return it once it is on record that somebody judges the transactions of a tenant anew.

    Raises `NotSaid` and what the door does.
    """
    if not args.tenant:
        raise NotSaid("--tenant is needed for topic and ledger: whose transactions are judged")
    from proofwatch.bus.postgres.pool import opened, session  # the driver belongs to an extra; files work without it
    from proofwatch.exits.door import admitted

    async with opened(args.dsn or settings.postgres_dsn, max_size=2) as pool:
        granted = await admitted(pool, settings, BACKTEST, args.tenant, asked, SystemClock(), bootstrap=args.bootstrap)
        async with session(pool, "backtest") as connection:
            return Admission(granted, await restricted_subjects(connection, args.tenant, settings.secret))


async def require_no_more_restricted(args: argparse.Namespace, settings: Settings, admission: Admission) -> None:
    """Raise `Denied`, which is on record, where somebody was restricted since: they may have been judged."""
    from proofwatch.bus.postgres.pool import opened
    from proofwatch.exits import restricted

    async with opened(args.dsn or settings.postgres_dsn, max_size=2) as pool:
        known, now = admission.restricted.marks, instant_of(SystemClock().now_ms())
        await restricted.require_no_more_restricted(pool, BACKTEST, admission.granted, args.tenant, known, now)
