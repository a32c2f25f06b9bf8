"""Settings of consents."""

from pydantic import SecretStr

from proofwatch.runtime.key_settings import KeySettings


class Settings(KeySettings):
    """What consents needs to know to start, beyond what every process does."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same as triage's; checked by `app.build`."""
