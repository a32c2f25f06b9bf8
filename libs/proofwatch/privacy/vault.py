"""Key-encryption keys in a transit engine: HashiCorp Vault's HTTP API, or OpenBao's, which is the same.

One key of the type aes256-gcm96, derived: the context of each request is what the secret is, so that a wrapped secret
cannot be unwrapped as another one. A version of the key is an epoch. Versions are begun by `rotate`, and destroyed by
`trim`, which are acts of whoever runs the engine; this needs `read` on the key and `update` on encrypt and decrypt.
https://developer.hashicorp.com/vault/api-docs/secret/transit
"""

import base64
import binascii
from typing import Any, Final

import httpx

from proofwatch.privacy.key_encryption import EpochDestroyed, InvalidKeys, KeysAway, Tampered, Wrapped

_SECONDS: Final = 10.0
_OK: Final = 200
_BAD_REQUEST: Final = 400
_DENIED: Final = 403
_NOT_FOUND: Final = 404
_PREFIX: Final = "vault:v"


class VaultTransit:
    """A `KeyEncryption` whose keys never leave the engine."""

    def __init__(
        self, address: str, token: str, key: str, mount: str = "transit", client: httpx.AsyncClient | None = None
    ) -> None:
        """`address`: such as https://vault.example:8200; `key`: its name; `mount`: where the engine is."""
        self._url, self._where = f"{address.rstrip('/')}/v1/{mount.strip('/')}", f"{mount.strip('/')}/keys/{key}"
        self._key, self._token = key, token
        self._client = client or httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False)
        self._fits = False

    async def epochs(self) -> tuple[int, ...]:
        """See `KeyEncryption`. Raises `KeysAway`, `InvalidKeys`."""
        found = await self._asked("GET", f"keys/{self._key}", None)
        if not found.get("derived") or not found.get("supports_encryption"):
            raise InvalidKeys(
                f"{self._where} must be a derived key that encrypts, so that what is wrapped is bound to what it is: "
                f"vault write {self._where} type=aes256-gcm96 derived=true"
            )
        self._fits = True
        least = int(found.get("min_decryption_version", 1))
        return tuple(sorted(version for version in map(int, found["keys"]) if version >= least))

    async def wrap(self, secret: bytes, of: str) -> Wrapped:
        """See `KeyEncryption`. Raises `KeysAway`, `InvalidKeys`."""
        if not self._fits:
            await self.epochs()
        given = {"plaintext": _text(secret), "context": _text(of.encode())}
        found = str((await self._asked("POST", f"encrypt/{self._key}", given)).get("ciphertext", ""))
        version, _, body = found.removeprefix(_PREFIX).partition(":")
        try:
            return Wrapped(int(version), base64.b64decode(body, validate=True))
        except (ValueError, binascii.Error):
            raise KeysAway(f"{self._url} answers with no ciphertext of a transit engine") from None

    async def unwrap(self, wrapped: Wrapped, of: str) -> bytes:
        """See `KeyEncryption`. Raises `EpochDestroyed`, `Tampered`, `KeysAway`, `InvalidKeys`."""
        given = {"ciphertext": f"{_PREFIX}{wrapped.epoch}:{_text(wrapped.body)}", "context": _text(of.encode())}
        try:
            found = await self._asked("POST", f"decrypt/{self._key}", given)
        except _Refused:
            if wrapped.epoch not in await self.epochs():
                raise EpochDestroyed(wrapped.epoch) from None
            raise Tampered(f"a secret that was wrapped in epoch {wrapped.epoch} cannot be unwrapped") from None
        return base64.b64decode(found["plaintext"])

    async def close(self) -> None:
        """Release the connection."""
        await self._client.aclose()

    async def _asked(self, method: str, path: str, given: dict[str, str] | None) -> dict[str, Any]:
        headers = {"X-Vault-Token": self._token, "X-Vault-Request": "true"}
        try:
            answer = await self._client.request(method, f"{self._url}/{path}", json=given, headers=headers)
            said = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise KeysAway(
                f"the key-encryption keys are away: {self._url} does not answer as a transit engine does "
                f"({type(error).__name__}); see PROOFWATCH_VAULT_ADDRESS"
            ) from None
        if answer.status_code == _OK:
            return dict(said["data"])
        if answer.status_code == _BAD_REQUEST:
            raise _Refused(f"{self._url} refuses {path}")
        if answer.status_code == _DENIED:
            raise InvalidKeys(f"{self._url} denies PROOFWATCH_VAULT_TOKEN {path}: it needs a policy that allows it")
        if answer.status_code == _NOT_FOUND:
            raise InvalidKeys(
                f"{self._url} has no key {self._key}: see PROOFWATCH_VAULT_KEY and PROOFWATCH_VAULT_MOUNT"
            )
        raise KeysAway(f"the key-encryption keys are away: {self._url} answers {answer.status_code}; is it unsealed?")


class _Refused(KeysAway):
    """The engine does not do it with what it was given: a version that is no more, or what was changed."""


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode()
