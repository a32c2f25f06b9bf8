"""What needs nothing but files: keys, verification, proofs of forks and of single entries."""

import argparse
import codecs
import sys
from pathlib import Path

from proofwatch.audit import export
from proofwatch.audit.forks import check_fork, read_fork
from proofwatch.audit.merkle import ProofRefused, leaf_hash
from proofwatch.audit.note import COSIGNATURE, ED25519, InvalidNote, Note, SigningKey, VerifierKey
from proofwatch.audit.policy import Policy, parse_policy
from proofwatch.audit.proof import Proof
from proofwatch.audit.verify import Trust, Verdict, verify
from proofwatch.new_file import OWNER_ALONE, require_new, write_new
from proofwatch.runtime.terminal import progress_bar
from services.auditor.commands.files import Folder
from services.auditor.commands.verdict_text import as_json, lines


class CannotRead(ValueError):
    """A file that was named cannot be used; the message says which and why."""


def keygen(args: argparse.Namespace) -> int:
    """Write a new signing key to a file that did not exist; print the key that others verify with."""
    try:
        key = SigningKey.generate(args.name, COSIGNATURE if args.witness else ED25519)
    except InvalidNote as error:
        raise CannotRead(f"{args.out}: {error}") from None
    write_new(args.out, f"{key.text()}\n".encode(), OWNER_ALONE)
    sys.stdout.write(key.verifier.text() + "\n")
    return 0


def verified(args: argparse.Namespace) -> int:
    """Print the verdict on an export; 1 if it is invalid."""
    folder = Folder(args.folder)
    if args.fork_out is not None:
        require_new(args.fork_out)
    trust = Trust(
        [key for path in args.key for key in keys_of(path)],
        _note(args.since) if args.since else None,
        policy_of(args.witness_policy) if args.witness_policy else None,
    )
    total = folder.count(export.ENTRIES)
    with progress_bar("checking entries") as advance:
        verdict = verify(folder, trust, lambda entries: advance(entries, total))
    sys.stdout.write(as_json(verdict) + "\n" if args.json else "".join(f"{each}\n" for each in lines(verdict)))
    _write_fork(verdict, args.fork_out)
    return int(verdict.state == "INVALID")


def fork(args: argparse.Namespace) -> int:
    """Check a proof of a fork: 0 if it proves one, 1 if not."""
    try:
        smaller, larger = check_fork(read_fork(_body(args.file)), [key for path in args.key for key in keys_of(path)])
    except (InvalidNote, ProofRefused) as error:
        sys.stdout.write(f"NO FORK\n  {error}\n")
        return 1
    sys.stdout.write(
        f"FORK\n  the log {smaller.origin} signed two histories: one of {smaller.size:,} entries and one of "
        f"{larger.size:,}, and neither contains the other\n"
    )
    return 0


def proof(args: argparse.Namespace) -> int:
    """Check a proof of one entry against the entry's leaf: 0 if it holds, 1 if not."""
    keys = [key for path in args.key for key in keys_of(path)]
    try:
        found = Proof.parse(_body(args.file))
        checkpoint = found.check(leaf_hash(_body(args.leaf)))
        fault = "" if found.checkpoint.signers(keys) else "no key that was given has signed the checkpoint"
    except (InvalidNote, ProofRefused) as error:
        fault = str(error)
    if fault:
        sys.stdout.write(f"NOT PROVED\n  {fault}\n")
        return 1
    sys.stdout.write(f"PROVED\n  it is entry {found.index:,} of {checkpoint.size:,} of {checkpoint.origin}\n")
    return 0


def keys_of(path: Path) -> list[VerifierKey]:
    """Return the verifier keys of a file, one on each line. Raises `CannotRead`."""
    found = [each.strip() for each in _text(path).splitlines() if each.strip() and not each.startswith("#")]
    if not found:
        raise CannotRead(f"{path} has no key: a verifier key is one line, name+id+base64")
    try:
        return [VerifierKey.parse(each) for each in found]
    except InvalidNote as error:
        raise CannotRead(f"{path}: {error}") from None


def policy_of(path: Path) -> Policy:
    """Return the policy of a file. Raises `CannotRead` and `InvalidPolicy`."""
    return parse_policy(_text(path))


def _note(path: Path) -> Note:
    try:
        return Note.parse(_body(path))
    except InvalidNote as error:
        raise CannotRead(f"{path}: {error}") from None


def _write_fork(verdict: Verdict, path: Path | None) -> None:
    if verdict.fork is None:
        return
    if path is None:
        sys.stdout.write("  the log has forked; --fork-out FILE writes the proof, which convinces anybody\n")
        return
    write_new(path, verdict.fork.body())
    sys.stdout.write(f"  proof of the fork: {path}\n")


def _text(path: Path) -> str:
    try:
        return _body(path).decode()
    except UnicodeDecodeError:
        raise CannotRead(f"{path} is no text") from None


def _body(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except OSError as error:
        raise CannotRead(f"{path} cannot be read: {(error.strerror or 'error').lower()}") from None
    if found.startswith(codecs.BOM_UTF8):
        raise CannotRead(f"{path} begins with a byte order mark, which an editor put there; save it as UTF-8 without")
    return found
