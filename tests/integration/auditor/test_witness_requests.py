"""Requests to a witness that were made up to break it: each is answered, and the next one, too."""

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.auditor.conftest import a_witness
from tests.unit.audit.a_log import a_log

HUGE = "9" * 6000


def _status(at: str, body: bytes, length: str | None = None) -> int:
    connection = http.client.HTTPConnection(urlsplit(at).netloc, timeout=60)
    try:
        connection.putrequest("POST", "/add-checkpoint")
        connection.putheader("content-length", (length or str(len(body))).encode())
        connection.endheaders(body)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("length", [HUGE, "²", "-1", "1000001"])
def test_a_length_that_cannot_be_is_400(tmp_path: Path, length: str) -> None:
    with a_witness(tmp_path / "seen.json") as at:
        assert _status(at, b"", length) == 400


def test_sizes_of_thousands_of_digits_are_400(tmp_path: Path) -> None:
    note = a_log().notes[0].body()
    with a_witness(tmp_path / "seen.json") as at:
        assert _status(at, f"old {HUGE}\n\n".encode() + note) == 400
        assert _status(at, b"old 0\n\n" + note.replace(b"\n4\n", f"\n{HUGE}\n".encode(), 1)) == 400
        assert _status(at, b"old 0\n\n" + note) == 200
