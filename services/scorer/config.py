"""What the scorer needs to know to start."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from proofwatch.governance.settings import GovernanceSettings


class Settings(GovernanceSettings):
    """What the scorer needs to know to start, beyond what every process does."""

    subjects_kept_days: Annotated[int, Field(ge=1, le=120)] = 97
    """How long Redis keeps what a subject left behind: the longest window of attempts a policy may have (90 days) and
    a week for a scorer that lags behind; the subjects topic keeps it for 120 days."""
    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same as triage's: those are known again by it who were erased. Needed
    once somebody was; checked by `app.build`."""
    label_sample_key: Annotated[SecretStr, Field(min_length=16, max_length=32)] | None = None
    """By what transactions are chosen whose labels upstream is asked for; the same in every process. Absent: none."""

    def subjects_ttl_s(self) -> int:
        """Return how many seconds Redis keeps what a subject left behind."""
        return int(timedelta(days=self.subjects_kept_days).total_seconds())

    def sample_key(self) -> bytes | None:
        """Return the key of the label sample."""
        return self.label_sample_key.get_secret_value().encode() if self.label_sample_key else None
