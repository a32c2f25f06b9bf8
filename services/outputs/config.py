"""Settings of the outputs."""

from pydantic import SecretStr

from proofwatch.governance import settings
from proofwatch.runtime.key_settings import KeySettings


class Settings(settings.GovernanceSettings, KeySettings):
    """What an output needs to know, beyond what every command does."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same as triage's: consents are known by tag."""
