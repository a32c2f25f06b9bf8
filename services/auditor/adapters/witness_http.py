"""A witness over HTTP (C2SP tlog-witness): POST <prefix>/add-checkpoint."""

from collections.abc import Sequence
from typing import Final

import httpx

from proofwatch.audit.note import InvalidNote, Note, VerifierKey, decimal, signature_of
from proofwatch.audit.witness import Request
from services.auditor.ports import WitnessAway

_SECONDS: Final = 5.0
_CONFLICT: Final = 409
_OK: Final = 200
_MOST_BYTES: Final = 65_536
_LARGEST: Final = 2**63 - 1


class HttpWitness:
    """One witness at its submission prefix; what it answers is checked by who reads the note."""

    def __init__(self, key: VerifierKey, prefix: str, client: httpx.AsyncClient | None = None) -> None:
        self.key, self.name = key, f"the witness {key.name}"
        self._url = f"{prefix.rstrip('/')}/add-checkpoint"
        self._client = client or httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False)

    async def cosign(self, old: int, proof: Sequence[bytes], note: Note) -> str | int:
        """See `ports.Witness`."""
        answer = await self._post(Request(old, tuple(proof), note).body())
        text = answer.text
        if answer.status_code == _CONFLICT:
            size = decimal(text.removesuffix("\n"), _LARGEST)
            if size is None:
                raise WitnessAway(f"{self.name} answers 409 without the size of its last checkpoint")
            return size
        if answer.status_code != _OK or len(answer.content) > _MOST_BYTES:
            raise WitnessAway(f"{self.name} answers {answer.status_code}: {text[:200]!r}")
        try:
            lines = [signature_of(each) for each in text.splitlines()]
        except InvalidNote as error:
            raise WitnessAway(f"{self.name} answers with no signature line: {error}") from None
        return "".join(each.line() for each in lines if each.key == self.key.id)

    async def close(self) -> None:
        """Release the connection."""
        await self._client.aclose()

    async def _post(self, body: bytes) -> httpx.Response:
        try:
            return await self._client.post(self._url, content=body, headers={"content-type": "text/plain"})
        except httpx.HTTPError as error:
            raise WitnessAway(f"{self.name} does not answer at {self._url}: {type(error).__name__}") from None
