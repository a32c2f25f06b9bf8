"""The audit log as the Go project reads it (golang.org/x/mod/sumdb): notes, roots and proofs are theirs too."""

import base64
import json
import subprocess
from pathlib import Path

import pytest

from proofwatch.audit.merkle import leaf_hash, node_hash
from proofwatch.audit.merkle_proofs import consistency_proof, inclusion_proof
from tests.support import go
from tests.unit.audit.a_log import LOG_KEY, WITNESSES, Log, an_entry, of_key


@pytest.fixture(scope="module")
def reader() -> Path:
    return go.reader()


def a_log(entries: int) -> Log:
    log = Log(witnesses=WITNESSES)
    log.append(of_key("log.begun", LOG_KEY, 0))
    log.checkpoint()
    for index in range(1, entries):
        log.append(an_entry(index))
        if index % 3:
            log.checkpoint()
    log.checkpoint()
    return log


def read(reader: Path, folder: Path, key: str = LOG_KEY.verifier.text()) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([reader, folder, key], capture_output=True, text=True, check=False, timeout=60)


def exported(log: Log, folder: Path) -> Path:
    folder.mkdir()
    for name, body in log.export().items():
        (folder / name).write_bytes(body)
    return folder


@pytest.mark.parametrize("entries", [2, 3, 7, 8, 9, 64, 100])
def test_it_opens_our_notes_finds_our_roots_and_makes_our_proofs(reader: Path, tmp_path: Path, entries: int) -> None:
    log = a_log(entries)
    done = read(reader, exported(log, tmp_path / "export"))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    hashes = [leaf_hash(leaf) for leaf in log.leaves]

    def nodes(level: int, index: int) -> bytes:
        if not level:
            return hashes[index]
        return node_hash(nodes(level - 1, 2 * index), nodes(level - 1, 2 * index + 1))

    assert (found["Size"], len(found["Inclusion"])) == (entries, entries)
    for each in found["Inclusion"]:
        ours = inclusion_proof(each["Index"], entries, nodes)
        assert [base64.b64decode(part) for part in each["Proof"]] == ours
    assert len(found["Consistency"]) == len(log.notes)
    for each in found["Consistency"]:
        ours = consistency_proof(each["Old"], entries, nodes)
        assert [base64.b64decode(part) for part in each["Proof"]] == ours


def test_it_refuses_what_we_refuse(reader: Path, tmp_path: Path) -> None:
    """An entry that was changed, and the key of another log: else the test above would show nothing."""
    folder = exported(a_log(9), tmp_path / "export")
    other = read(reader, folder, WITNESSES[0].verifier.text())
    assert other.returncode == 1
    entries = folder / "entries.jsonl"
    lines = entries.read_text().splitlines()
    line = json.loads(lines[4])
    line["leaf"] = base64.b64encode(base64.b64decode(line["leaf"]).replace(b"p-1", b"p-2")).decode()
    entries.write_text("\n".join([*lines[:4], json.dumps(line), *lines[5:]]) + "\n")
    changed = read(reader, folder)
    assert (changed.returncode, "invalid transparency proof" in changed.stderr) == (1, True)
