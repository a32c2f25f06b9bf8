"""Key-encryption keys in a transit engine: HashiCorp Vault's HTTP API, or OpenBao's, which is the same.

One key of the type aes256-gcm96, derived: the context of each request is what the secret is, so that a wrapped secret
cannot be unwrapped as another one. A version of the key is an epoch. Versions are begun by `rotate`, and destroyed by
`trim`, which are acts of whoever runs the engine; this needs `read` on the key and `update` on encrypt and decrypt.
https://developer.hashicorp.com/vault/api-docs/secret/transit
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from proofwatch.privacy.key_encryption import EpochDestroyed, InvalidKeys, KeysAway, Tampered, Wrapped

_SECONDS: Final = 10.0
_OK: Final = 200
_BAD_REQUEST: Final = 400
_DENIED: Final = 403
_NOT_FOUND: Final = 404
_PREFIX: Final = "vault:v"
_AT_ONCE: Final = 1_000


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
        return (await self.wrap_all([(secret, of)]))[0]

    async def unwrap(self, wrapped: Wrapped, of: str) -> bytes:
        """See `KeyEncryption`. Raises `EpochDestroyed`, `Tampered`, `KeysAway`, `InvalidKeys`."""
        return (await self.unwrap_all([(wrapped, of)]))[0]

    async def wrap_all(self, secrets: Sequence[tuple[bytes, str]]) -> Sequence[Wrapped]:
        """See `KeyEncryption`. Raises `KeysAway`, `InvalidKeys`."""
        if not self._fits:
            await self.epochs()
        given = [{"plaintext": _text(secret), "context": _text(of.encode())} for secret, of in secrets]
        return [self._wrapped(str(each.get("ciphertext", ""))) for each in await self._each("encrypt", given)]

    async def unwrap_all(self, wrapped: Sequence[tuple[Wrapped, str]]) -> Sequence[bytes]:
        """See `KeyEncryption`. Raises `EpochDestroyed`, `Tampered`, `KeysAway`, `InvalidKeys`."""
        given = [
            {"ciphertext": f"{_PREFIX}{each.epoch}:{_text(each.body)}", "context": _text(of.encode())}
            for each, of in wrapped
        ]
        try:
            return [base64.b64decode(each["plaintext"]) for each in await self._each("decrypt", given)]
        except _Refused as error:
            epoch = wrapped[error.place][0].epoch
            if epoch not in await self.epochs():
                raise EpochDestroyed(epoch) from None
            raise Tampered(f"a secret that was wrapped in epoch {epoch} cannot be unwrapped") from None

    def _wrapped(self, found: str) -> Wrapped:
        version, _, body = found.removeprefix(_PREFIX).partition(":")
        try:
            return Wrapped(int(version), base64.b64decode(body, validate=True))
        except (ValueError, binascii.Error):
            raise KeysAway(f"{self._url} answers with no ciphertext of a transit engine") from None

    async def _each(self, act: str, given: Sequence[dict[str, str]]) -> Sequence[dict[str, str]]:
        """Return an answer for each, from as few calls as the engine takes. Raises `_Refused` with the first place."""
        answers: list[dict[str, str]] = []
        for begin in range(0, len(given), _AT_ONCE):
            some = given[begin : begin + _AT_ONCE]
            found = (await self._asked("POST", f"{act}/{self._key}", {"batch_input": some})).get("batch_results", [])
            refused = [place for place, each in enumerate(found) if "error" in each]
            if refused or len(found) != len(some):
                raise _Refused(f"{self._url} refuses to {act}", begin + min(refused, default=0))
            answers += found
        return answers

    async def close(self) -> None:
        """Release the connection."""
        await self._client.aclose()

    async def _asked(self, method: str, path: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
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
        if answer.status_code == _BAD_REQUEST:  # of many, the answer says which
            return dict(said.get("data") or {})
        if answer.status_code == _DENIED:
            raise InvalidKeys(f"{self._url} denies PROOFWATCH_VAULT_TOKEN {path}: it needs a policy that allows it")
        if answer.status_code == _NOT_FOUND:
            raise InvalidKeys(
                f"{self._url} has no key {self._key}: see PROOFWATCH_VAULT_KEY and PROOFWATCH_VAULT_MOUNT"
            )
        raise KeysAway(f"the key-encryption keys are away: {self._url} answers {answer.status_code}; is it unsealed?")


class _Refused(KeysAway):
    """The engine does not do it with what it was given: a version that is no more, or what was changed."""

    def __init__(self, message: str, place: int) -> None:
        """`place`: of the first that it refuses."""
        super().__init__(message)
        self.place = place


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode()
