"""What the scorer needs to know to start."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from proofwatch.runtime import settings


class Settings(settings.Settings):
    """What the scorer needs to know to start, beyond what every process does."""

    attempts_lag_hours: Annotated[int, Field(ge=1, le=24 * 365)] = 24 * 7
    """Attempts outlive the policy's window by this much, so that a scorer that lags behind still finds them; the
    default is the retention of the transactions topic: nothing older can be left to judge."""

    def attempts_ttl_s(self, window_hours: int) -> int:
        """Return how many seconds attempts are kept."""
        return int(timedelta(hours=window_hours + self.attempts_lag_hours).total_seconds())
