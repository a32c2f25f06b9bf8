"""Settings of what erases, holds, and keeps keys."""

from pydantic import SecretStr

from proofwatch.runtime import settings


class Settings(settings.Settings):
    """What is needed beyond what every process needs; each is checked by who uses it."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same as triage's."""
    key_encryption_keys: SecretStr | None = None
    """A line `epoch:base64` for each key-encryption key; `proofwatch keys begin` writes such a file."""
