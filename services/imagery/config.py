"""Settings of the imagery broker."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.access_settings import AccessSettings
from proofwatch.runtime.cell_settings import CellSettings
from proofwatch.runtime.key_settings import KeySettings


class Settings(GovernanceSettings, CellSettings, AccessSettings, KeySettings):
    """What the broker needs to know to start, beyond what every process does."""

    subject_tag_secret: SecretStr | None = None
    """As triage's: base64 of at least 32 random bytes."""
    imagery_host: str = "127.0.0.1"
    """The address it listens at; a proxy with TLS stands before it."""
    imagery_port: Annotated[int, Field(ge=0, le=65535)] = 8090
    imagery_origin: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")] = "http://localhost:8090"
    """Scheme, host and port as browsers see them: what changes anything must come from there."""
    imagery_console_origin: Annotated[str, Field(pattern=r"^https?://[^/\s\"<>&]+$")] | None = None
    """Those of the console, by which people of the house's provider come; None: all come by password and code."""
    imagery_log_keys_file: Path | None = None
    """Public keys of the audit log, one on each line, as `proofwatch audit keygen` prints them: nothing is opened
    before a checkpoint that one of them signed has its entry."""
    imagery_store: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}$")] = "main"
    """The name by which tenants' settings know the store."""
    imagery_s3_endpoint: str | None = None
    """URL of the S3-compatible store; None: a folder."""
    imagery_s3_access_key: SecretStr | None = None
    imagery_s3_secret_key: SecretStr | None = None
    imagery_s3_region: str = "us-east-1"
    imagery_folder: Path | None = None
    """A folder with a folder for each bucket, in place of a store."""
    imagery_lease_minutes: Annotated[int, Field(ge=1, le=30)] = 5
    imagery_lease_views: Annotated[int, Field(ge=1, le=20)] = 3
    imagery_views_a_day: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Views that a person may have in a day (UTC)."""
    imagery_confirm_minutes: Annotated[int, Field(ge=1, le=120)] = 15
    """Minutes after which the one-time code is asked for again."""
    imagery_glass_minutes: Annotated[int, Field(ge=1, le=30)] = 30
    """Minutes for which a second person opens a case that is not assigned to who asks."""
    imagery_glass_uses: Annotated[int, Field(ge=1, le=10)] = 2
    """Grants that such minutes give."""
