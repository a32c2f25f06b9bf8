"""No change of an export's bytes passes: each byte of a small one flipped once, and changes at random."""

from collections.abc import Callable
from functools import cache
from random import Random

import pytest

from proofwatch.audit import export
from proofwatch.audit.note import VerifierKey
from proofwatch.audit.verify import Trust, verify
from tests.unit.audit.a_log import LOG_KEY, WITNESSES, InMemory, a_log, a_rotated_log, verifiers

KNOWN = Trust(verifiers(LOG_KEY))
RANDOM_MUTATIONS = 2_000
"""In `make test`; ten times as many were run, see docs/audit.md."""


@pytest.fixture(autouse=True)
def _signatures_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same signature under the same message is most of the time here, and the answer is the same."""
    monkeypatch.setattr(VerifierKey, "holds", cache(VerifierKey.holds))


def test_every_byte_of_a_small_export_flipped_once_is_found() -> None:
    files = a_log(3, every=2, witnesses=WITNESSES[:1]).export()
    assert verify(InMemory(files), KNOWN).state == "CONSISTENT, UNWITNESSED"
    for name, body in files.items():
        for place in range(len(body)):
            wrong = body[:place] + bytes([body[place] ^ (1 << place % 8)]) + body[place + 1 :]
            assert verify(InMemory({**files, name: wrong}), KNOWN).state == "INVALID", (name, place)


def test_random_mutations_are_found() -> None:
    random = Random(7)
    exports = [
        a_rotated_log().export(),
        a_rotated_log().export(3, 10),
        a_log(10, every=3, witnesses=WITNESSES[:2]).export(),
        a_log(10, every=1).export(2, 9),
    ]
    for files in exports:
        assert verify(InMemory(files), KNOWN).state == "CONSISTENT, UNWITNESSED"
    for place in range(RANDOM_MUTATIONS):
        files = exports[place % len(exports)]
        name = random.choice(sorted(files))
        wrong = mutated(files[name], random)
        if wrong != files[name]:
            assert verify(InMemory({**files, name: wrong}), KNOWN).state == "INVALID", (place, name)


def mutated(body: bytes, random: Random) -> bytes:
    """Return the file with one thing done to it: bytes or lines changed, gone, doubled, moved, or from elsewhere."""
    lines = body.splitlines(keepends=True)
    first, second = sorted(random.randrange(len(body) + 1) for _ in range(2))
    line, other = random.randrange(len(lines)), random.randrange(len(lines))
    changes: list[Callable[[], bytes]] = [
        lambda: body[:first] + bytes([random.randrange(256)]) + body[first + 1 :],
        lambda: body[:first] + body[second:],
        lambda: body[:second] + body[first:],
        lambda: body[:first] + bytes(random.randrange(256) for _ in range(3)) + body[first:],
        lambda: b"".join(lines[:line] + lines[line + 1 :]),
        lambda: b"".join([*lines[: line + 1], *lines[line:]]),
        lambda: b"".join([*lines[:line], lines[other], *lines[line + 1 :]]),
        lambda: b"".join(random.sample(lines, len(lines))),
        lambda: body[:first],
        lambda: body.replace(body[first : first + 2], body[second : second + 2], 1),
    ]
    return random.choice(changes)()


def test_files_of_two_exports_do_not_mix() -> None:
    first, second = a_log(6, every=3).export(), a_log(9, every=3).export()
    for name in export.FILES[:3]:
        assert verify(InMemory({**first, name: second[name]}), KNOWN).state == "INVALID", name
