"""Settings of the auditor."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from proofwatch.runtime import settings


class Settings(settings.Settings):
    """What the auditor needs to know to start, beyond what every process does."""

    audit_signing_keys: SecretStr | None = None
    """The keys that sign checkpoints, one on each line, as `proofwatch audit keygen` writes them; its name is the
    log's origin. The auditor alone has them."""
    audit_retire_key: Annotated[str, Field(pattern="^[0-9a-f]{8}$")] | None = None
    """The id of a key of the log that signs no more; another must be configured."""
    audit_checkpoints_file: Path = Path("audit/checkpoints.jsonl")
    """Where checkpoints are appended; best on a disk that the database's operators cannot write."""
    audit_witness_policy_file: Path | None = None
    """Witnesses with their addresses, as a policy file (C2SP tlog-policy); None: nobody outside is asked."""
    audit_lease_seconds: Annotated[float, Field(ge=2, le=300)] = 10.0
    """An auditor that is silent for so long is followed by one that waits."""
    audit_poll_seconds: Annotated[float, Field(ge=0.01, le=1)] = 0.05
    """Seconds between two looks for pending entries."""
    audit_batch_entries: Annotated[int, Field(ge=1, le=20_000)] = 5_000
    """At most so many entries in one transaction."""
