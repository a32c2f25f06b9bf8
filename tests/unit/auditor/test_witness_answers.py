"""What a witness that is somebody else's answers: a size, signature lines, or nothing that is believed."""

import httpx
import pytest

from services.auditor.adapters.witness_http import HttpWitness
from services.auditor.ports import WitnessAway
from tests.unit.audit.a_log import WITNESSES, a_log


async def _answered(text: str) -> str | int:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(409, text=text)))
    witness = HttpWitness(WITNESSES[0].verifier, "http://witness.example", client)
    try:
        return await witness.cosign(0, (), a_log().notes[0])
    finally:
        await witness.close()


async def test_a_conflict_says_the_last_size() -> None:
    assert await _answered("4\n") == 4


@pytest.mark.parametrize("text", ["9" * 6000, str(2**63), "²", "", "-1"])
async def test_a_conflict_without_a_size_that_can_be_is_no_answer(text: str) -> None:
    with pytest.raises(WitnessAway, match="409 without the size"):
        await _answered(text)
