"""Settings of what erases, holds, and keeps keys."""

from typing import Annotated

from pydantic import Field, SecretStr

from proofwatch.runtime import settings
from proofwatch.runtime.key_settings import KeySettings


class RetentionSettings(settings.Settings):
    """Days for which things are kept."""

    keep_closed_cases_days: Annotated[int, Field(ge=0, le=36_500)] = 1_095
    """Days that a case is kept after it was closed; 0: for ever."""
    keep_imagery_references_days: Annotated[int, Field(ge=0, le=36_500)] = 365
    """Days that a reference to imagery is kept after its transaction was flagged; 0: for ever."""
    keep_ended_consents_days: Annotated[int, Field(ge=0, le=36_500)] = 1_095
    """Days that a consent is kept after it ended by itself; 0: for ever. Withdrawals stay."""

    keep_attempts_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """Days that is kept what became of an attempt, after its verdict; 0: for ever."""
    keep_pattern_hits_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """Days that is kept which transactions an attack pattern matched; 0: for ever. Counts by day stay."""

    def days(self) -> dict[str, int]:
        """Return the days of every setting of retention, by its name."""
        fields = [each for each in type(self).model_fields if each.startswith("keep_")]
        return {f"PROOFWATCH_{each.upper()}": getattr(self, each) for each in fields}


class Settings(RetentionSettings, KeySettings):
    """What erases needs beyond that; each is checked by who uses it."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same as triage's."""
