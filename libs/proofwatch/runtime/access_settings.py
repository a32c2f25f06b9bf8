"""What whoever lets people in needs to know."""

from pydantic import SecretStr

from proofwatch.runtime.settings import Settings


class AccessSettings(Settings):
    """The settings of services and commands that sign people in or enrol them."""

    access_code_keys: SecretStr | None = None
    """Under which the secrets of one-time codes are stored: base64 of 32 random bytes on each line, the newest first,
    the same for every process. None: they are stored as they are."""

    def code_keys(self) -> str | None:
        """Return their text."""
        return self.access_code_keys.get_secret_value() if self.access_code_keys else None
