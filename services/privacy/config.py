"""Settings of what erases, holds, and keeps keys."""

from typing import Annotated

from pydantic import Field, SecretStr

from proofwatch.runtime import settings


class RetentionSettings(settings.Settings):
    """What the process needs, which erases nobody and so has no key."""

    keep_closed_cases_days: Annotated[int, Field(ge=0, le=36_500)] = 1_095
    """Days that a case is kept after it was closed; 0: for ever."""
    keep_imagery_references_days: Annotated[int, Field(ge=0, le=36_500)] = 365
    """Days that a reference to imagery is kept after its transaction was flagged; 0: for ever."""
    keep_ended_consents_days: Annotated[int, Field(ge=0, le=36_500)] = 1_095
    """Days that a consent is kept after it ended by itself; 0: for ever. Withdrawals stay."""

    def days(self) -> dict[str, int]:
        """Return the days of every setting of retention, by its name."""
        fields = [each for each in type(self).model_fields if each.startswith("keep_")]
        return {f"PROOFWATCH_{each.upper()}": getattr(self, each) for each in fields}


class Settings(RetentionSettings):
    """What the commands of people need beyond that; each is checked by who uses it."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same as triage's."""
    key_encryption_keys: SecretStr | None = None
    """A line `epoch:base64` for each key-encryption key; `proofwatch keys begin` writes such a file."""
    vault_address: str | None = None
    """Where a transit engine keeps the key-encryption keys in their place, such as https://vault.example:8200."""
    vault_token: SecretStr | None = None
    """What it knows us by: `read` on the key, `update` on its encrypt and decrypt."""
    vault_key: str = "proofwatch-data-keys"
    """The key's name: of the type aes256-gcm96, derived."""
    vault_mount: str = "transit"
    """Where the engine is mounted."""
