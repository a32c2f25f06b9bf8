"""Settings of the commands of governance: the same variables as the scorer reads."""

from pathlib import Path

from proofwatch.governance.settings import GovernanceSettings


class Settings(GovernanceSettings):
    """Where one's own key is; each field is the variable PROOFWATCH_<FIELD>."""

    key_file: Path | None = None
