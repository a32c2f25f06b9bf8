"""Settings of the three aggregator processes."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.cell_settings import CellSettings

Engine = Literal["faust", "lane"]


class Settings(CellSettings):
    """What combine, windows and ledger need beyond the common settings."""

    grace_seconds: Annotated[int, Field(ge=0, le=86_400)] = 30
    """A window closes when every source has been read up to so long after its end; later data restates it."""
    tally_seconds: Annotated[float, Field(ge=0, le=60)] = 1.25
    """combine counts what came to a partition at most so often, unless full batches wait: every count is a record for
    each partition of the tallies and a transaction of windows, however few verdicts are in it. Where many come, down to
    0.4 of it is enough."""
    labelled_grace_hours: Annotated[int, Field(ge=0, le=24 * 90)] = 24
    """A labelled day closes when verdicts and labels have been read up to so long after its end; later truth restates
    it. Most labels should be in by then."""
    alert_horizon_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 48
    """A window that ended longer ago than this, measured by progress, is backfill: stored, never notified."""
    keep_minutes_days: Annotated[int, Field(ge=0, le=36_500)] = 7
    """Days that windows of one minute are kept in the database; 0: for ever. Whole days are always kept for ever."""
    keep_five_minutes_days: Annotated[int, Field(ge=0, le=36_500)] = 90
    """The same for windows of five minutes, and of any longer length below a day."""
    keep_transactions_days: Annotated[int, Field(ge=0, le=36_500)] = 1_826
    """Days that the ledger keeps a transaction after its verdict was logged, where the tenant's contract does not say
    it; 0: for ever. Labels that come later count for nothing; what was counted stays."""
    windows_engine: Engine = "faust"
    """What carries the tallies to windows: Faust, or a lane as everywhere else. Both give the same windows; stop all
    replicas before changing it, for a group cannot hold members of both."""


class FigureSettings(CellSettings, GovernanceSettings):
    """What wherever people look at figures needs to know."""


class GovernedSettings(Settings, GovernanceSettings):
    """windows and the ledger follow what tenants' settings say: calendars, and how long transactions are kept."""


class LedgerSettings(GovernedSettings):
    """The ledger knows again, by marks, what comes late of people who were erased."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same as triage's; needed once somebody was erased."""
