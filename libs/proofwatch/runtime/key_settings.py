"""Where the key-encryption keys are that wrap data keys of data subjects; the same for whoever needs them."""

from pydantic import SecretStr

from proofwatch.privacy.key_encryption import VARIABLE, EpochKeys, InvalidKeys, KeyEncryption, parse_keys
from proofwatch.runtime.settings import Settings


class KeySettings(Settings):
    """The settings of services and commands that know subjects by tags, erase them, or keep their keys."""

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

    def key_encryption(self) -> KeyEncryption:
        """Return the key-encryption keys, or what keeps them. Raises `InvalidKeys`."""
        given = self.key_encryption_keys
        if self.vault_address:
            from proofwatch.privacy.vault import VaultTransit  # its driver is nobody's who has a file

            if given:
                raise InvalidKeys(f"give one of PROOFWATCH_VAULT_ADDRESS and {VARIABLE}, not both")
            if self.vault_token is None:
                raise InvalidKeys(
                    "PROOFWATCH_VAULT_ADDRESS needs PROOFWATCH_VAULT_TOKEN, or PROOFWATCH_VAULT_TOKEN_FILE"
                )
            token = self.vault_token.get_secret_value()
            return VaultTransit(self.vault_address, token, self.vault_key, self.vault_mount)
        return EpochKeys(parse_keys(given.get_secret_value() if given else None))

    def key_encryption_if_any(self) -> KeyEncryption | None:
        """Return the same; None where none are given. Raises `InvalidKeys`."""
        return self.key_encryption() if self.vault_address or self.key_encryption_keys else None
