"""Settings of the commands of governance: the same variables as the scorer reads."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from proofwatch.runtime import settings


class Settings(settings.Settings):
    """Where the keyring and one's own key are; each field is the variable PROOFWATCH_<FIELD>."""

    keyring_file: Path | None = None
    key_file: Path | None = None
    governance_lead_seconds: Annotated[float, Field(ge=10, le=24 * 3600)] = 60.0
    """How long a record lies in the log before it takes effect; the same for every process."""
