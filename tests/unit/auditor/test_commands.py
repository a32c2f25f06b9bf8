"""`proofwatch audit` on files: what an outsider does, and what is said when it cannot be done."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from proofwatch.audit import export
from proofwatch.audit.entry import entry, leaf_of, person
from proofwatch.audit.merkle_proofs import inclusion_proof
from proofwatch.audit.note import COSIGNATURE, SigningKey, VerifierKey
from proofwatch.audit.proof import Proof
from services.auditor.commands.online import line, spelled
from services.cli import main
from tests.unit.audit.a_log import LOG_KEY, NEXT_KEY, WITNESSES, Log, a_log, an_entry

HUGE = b"9" * 6000
"""More digits than Python turns into a number (4,300)."""


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "log.pub"
    path.write_text(f"# the log's key\n{LOG_KEY.verifier.text()}\n")
    return path


def written(log: Log, folder: Path, begin: int = 0, end: int | None = None) -> Path:
    folder.mkdir()
    for name, body in log.export(begin, end).items():
        (folder / name).write_bytes(body)
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["audit", *map(str, arguments)])
    found = capsys.readouterr()
    return code, found.out, found.err


def test_a_consistent_export(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(a_log(), tmp_path / "export")
    code, out, _ = said(capsys, "verify", folder, "--key", key)
    assert code == 0
    assert out.splitlines()[:3] == [
        "CONSISTENT, UNWITNESSED",
        "  log        audit.example/proofwatch",
        "  entries    12 of 12, all as they were signed",
    ]
    assert "not excluded: a fork" in out
    code, out, _ = said(capsys, "verify", folder)
    assert code == 0
    assert LOG_KEY.verifier.text() in out


def test_a_witnessed_export(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(a_log(witnesses=WITNESSES[:1]), tmp_path / "export")
    policy = tmp_path / "policy"
    policy.write_text(f"witness w0 {WITNESSES[0].verifier.text()}\nquorum w0\n")
    code, out, _ = said(capsys, "verify", folder, "--key", key, "--witness-policy", policy)
    assert (code, out.splitlines()[0]) == (0, "WITNESSED")
    assert "witness    witness.example/0 at 2026-03-01 09:03:42 UTC" in out
    code, out, _ = said(capsys, "verify", folder, "--key", key, "--witness-policy", policy, "--json")
    assert '"state": "WITNESSED"' in out


def test_an_invalid_export_names_the_entry_and_leaves_the_proof_of_a_fork(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = a_log()
    kept = tmp_path / "kept.txt"
    kept.write_bytes(log.notes[-1].body())
    log.leaves[5] = leaf_of(an_entry(5, reason="another"))
    folder = written(log, tmp_path / "edited")
    code, out, _ = said(capsys, "verify", folder, "--key", key)
    assert code == 1
    assert out.startswith("INVALID\n  entries.jsonl: of the entries from 4 to 7, one or more are not those")
    log.notes.clear()
    log.append(an_entry(12))
    log.checkpoint()
    fork = tmp_path / "fork.json"
    folder = written(log, tmp_path / "rewritten")
    code, out, _ = said(capsys, "verify", folder, "--key", key, "--since", kept)
    assert "--fork-out FILE writes the proof" in out
    code, out, _ = said(capsys, "verify", folder, "--key", key, "--since", kept, "--fork-out", fork)
    assert code == 1
    proof = fork.read_bytes()
    code, _, err = said(capsys, "verify", folder, "--key", key, "--since", kept, "--fork-out", fork)
    assert (code, err) == (2, f"proofwatch audit verify: {fork} exists; it is never written over: name a new file\n")
    assert fork.read_bytes() == proof
    code, out, _ = said(capsys, "fork", fork, "--key", key)
    assert code == 0
    assert out.startswith("FORK\n  the log audit.example/proofwatch signed two histories: one of 12 entries and one of")
    other = tmp_path / "other.pub"
    other.write_text(NEXT_KEY.verifier.text())
    code, out, _ = said(capsys, "fork", fork, "--key", other)
    assert (code, out.splitlines()[0]) == (1, "NO FORK")


def test_the_proof_of_one_entry(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = a_log()
    proof = tmp_path / "e.tlog-proof"
    hashes = inclusion_proof(5, 12, lambda level, index: log.range(index << level, (index + 1) << level).hashes[0])
    proof.write_bytes(Proof(5, tuple(hashes), log.notes[-1]).body())
    leaf = tmp_path / "e.leaf.json"
    leaf.write_bytes(log.leaves[5])
    code, out, _ = said(capsys, "proof", proof, "--leaf", leaf, "--key", key)
    assert (code, out) == (0, "PROVED\n  it is entry 5 of 12 of audit.example/proofwatch\n")
    leaf.write_bytes(log.leaves[6])
    assert said(capsys, "proof", proof, "--leaf", leaf, "--key", key)[0] == 1
    leaf.write_bytes(log.leaves[5])
    key.write_text(NEXT_KEY.verifier.text())
    code, out, _ = said(capsys, "proof", proof, "--leaf", leaf, "--key", key)
    assert (code, out) == (1, "NOT PROVED\n  no key that was given has signed the checkpoint\n")


def test_keys_are_made_for_their_owner_alone_and_never_over_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "log.key"
    code, out, _ = said(capsys, "keygen", "audit.example/a", "--out", secret)
    assert code == 0
    assert VerifierKey.parse(out) == SigningKey.parse(secret.read_text()).verifier
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text().strip() not in out
    code, _, err = said(capsys, "keygen", "audit.example/a", "--out", secret)
    assert (code, err) == (2, f"proofwatch audit keygen: {secret} exists; it is never written over: name a new file\n")
    witness = tmp_path / "w.key"
    assert said(capsys, "keygen", "w.example", "--witness", "--out", witness)[0] == 0
    assert SigningKey.parse(witness.read_text()).verifier.kind == COSIGNATURE
    assert "cannot name a key" in said(capsys, "keygen", "two words", "--out", tmp_path / "x")[2]


def test_what_cannot_be_checked_is_said_in_one_sentence(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(a_log(), tmp_path / "export", 8)
    kept = tmp_path / "kept.txt"
    kept.write_bytes(a_log().notes[0].body())
    cases = [
        (("verify", tmp_path / "nowhere"), "is no folder"),
        (("verify", folder, "--key", tmp_path / "nowhere"), "cannot be read: no such file or directory"),
        (("verify", folder, "--key", folder / export.ENTRIES), "a verifier key is written"),
        (
            ("verify", folder, "--key", key, "--since", kept),
            "checkpoint has 4 entries: export the log from there",
        ),
        (("verify", folder, "--key", key, "--since", key), "a signed note is a text"),
        (("verify", folder, "--key", key, "--witness-policy", key), "line 2: a line begins with"),
        (("witness", "--key", key, "--log", key, "--state", tmp_path / "s"), "is open to every user"),
    ]
    policy = tmp_path / "policy.txt"
    policy.write_bytes(b"group g " + HUGE + b" w\nquorum g\n")
    cases += [
        (("verify", folder, "--key", key, "--witness-policy", policy), "line 1: "),
    ]
    for arguments, message in cases:
        code, out, err = said(capsys, *arguments)
        assert (code, out) == (2, ""), arguments
        assert message in err
        assert err.count("\n") == 1
    (folder / "notes.txt").write_text("mine")
    assert "has notes.txt too, which is no file of an export" in said(capsys, "verify", folder)[2]
    (folder / export.KEYS).unlink()
    assert "keys.json is missing" in said(capsys, "verify", folder)[2]


def test_an_export_is_searched_and_shown_without_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a run's folder as of the export itself; by index as by id; and what is not there is said."""
    log = a_log()
    run = tmp_path / "run"
    run.mkdir()
    export_ = written(log, run / "audit")
    entries = [an_entry(number) for number in range(12)]
    for folder in (run, export_):
        code, out, _ = said(capsys, "search", "--run", folder, "--entry-action", f"{entries[3].action[:4]}*")
        assert code == 0
        assert out
        code, out, _ = said(capsys, "show", 3, "--run", folder)
        assert code == 0
        name = msgspec.json.decode(out)["entry_id"]
        assert said(capsys, "show", name, "--run", folder) == (0, out, "")
    code, _, err = said(capsys, "show", 12, "--run", run)
    assert (code, "has no entry 12" in err) == (2, True)
    code, _, err = said(capsys, "search", "--run", run, "--entry-action", "imagery.view_intended%x")
    assert (code, "no entry is like that" in err) == (2, True)
    code, _, err = said(capsys, "search", "--run", run, "--own")
    assert (code, "does not say who you are" in err) == (2, True)


def test_a_line_that_was_changed_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Entry and leaf must say the same; and a folder that is none is named."""
    folder = written(a_log(), tmp_path / "export")
    lines = (folder / export.ENTRIES).read_bytes().replace(b'"outcome":"done"', b'"outcome":"gone"', 1)
    (folder / export.ENTRIES).write_bytes(lines)
    code, _, err = said(capsys, "search", "--run", folder)
    assert (code, "the fields do not agree with the leaf" in err) == (2, True)
    code, _, err = said(capsys, "show", 1, "--run", tmp_path)
    assert (code, "is no export" in err) == (2, True)


def test_a_byte_order_mark_is_named(tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody sees it, and without a word the name of the log would be another that looks the same."""
    since = tmp_path / "since"
    since.write_bytes(b"\xef\xbb\xbfaudit.example/a\n")

    code, _, err = said(capsys, "verify", written(a_log(), tmp_path / "x"), "--key", key, "--since", since)

    assert code == 2
    assert "since begins with a byte order mark" in err


def test_a_name_that_looks_like_another_is_spelled_out() -> None:
    """Cyrillic beside Latin, in a line, as JSON, and below an entry that is shown whole."""
    at = datetime(2026, 5, 1, tzinfo=UTC)
    made = entry(person("\u0430na"), "data.asked", "e1", at, bytes(16))

    assert "person \u0430na (\\u0430na)" in line(3, made, as_json=False)
    assert '"id":"\\u0430na"' in line(3, made, as_json=True)
    assert spelled(made) == "\u0430na (\\u0430na)"
    assert spelled(entry(person("ana"), "data.asked", "e2", at, bytes(16))) == ""
