"""Settings of the notifier."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from proofwatch.runtime import settings


class Settings(settings.Settings):
    """What the notifier needs to know to start, beyond what every process does."""

    routes_file: Path | None = None
    """Where notifications go; None: all of them to the log (`services/notifier/routes.yaml`)."""
    retry_base_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0
    """The wait after the first failed attempt; it doubles with each further one."""
    retry_cap_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    """The longest wait between two attempts."""
    retry_attempts: Annotated[int, Field(ge=1, le=100)] = 20
    """A notification is given up after so many failed attempts."""
    keep_notifications_days: Annotated[int, Field(ge=0, le=36_500)] = 365
    """Days that a notification is kept after it was sent or given up; 0: for ever. Meanwhile none is sent twice, even
    if what caused it is read again."""
    send_poll_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """How often the sender looks for what is due."""
    backfill_hours: Annotated[float, Field(gt=0, le=8760)] = 2.0
    """What was true longer ago than this when it comes, after downtime or a backfill, is told in one digest."""
