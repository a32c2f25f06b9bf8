"""Finds event and verdict in files, and policies among files and profiles."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from proofwatch.events.codec import TRANSACTION, VERDICT
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Transaction, Verdict
from proofwatch.governance.policy import PROFILES, Policy, load_policy
from services.scorer.explain.search import NotFound, Published, Unreadable


class _Named(msgspec.Struct):
    tenant: str | None = None
    transaction_id: str | None = None


_NAMED = msgspec.json.Decoder(_Named)


def read_verdict(path: Path, transaction_id: str, tenant: str | None, attempt_id: str | None = None) -> Published:
    """Return the first verdict on a transaction (or on its attempt) in a file of JSON lines, or the only document.

    Raises `NotFound`, `Unreadable`.
    """
    for place, value in _of(path, transaction_id, tenant):
        try:
            verdict = VERDICT.decode(value)
        except Rejected as error:
            raise Unreadable(f"{place} names {transaction_id!r} and is no verdict: {error.message}") from error
        if attempt_id in (None, verdict.attempt_id):
            return Published(verdict, value, place)
    raise NotFound(f"no verdict on {transaction_id!r}{_attempt(attempt_id)} in {path}")


def _attempt(attempt_id: str | None) -> str:
    return "" if attempt_id is None else f" with attempt_id {attempt_id!r}"


def read_events(path: Path, verdict: Verdict) -> list[Transaction]:
    """Return the events of a verdict's transaction in a file. Raises `NotFound`."""
    found = []
    for _, value in _of(path, verdict.transaction_id, verdict.tenant):
        try:
            found.append(TRANSACTION.decode(value))
        except Rejected:
            continue
    if not found:
        raise NotFound(f"no event of {verdict.transaction_id!r} in {path}")
    return found


def find_policy(paths: Iterable[Path], policy_hash: str) -> Policy | None:
    """Return the policy of this hash among YAML files and the profiles; None: it is none.

    Raises `InvalidPolicy` for a file that is no policy.
    """
    for path in (*paths, *sorted(PROFILES.glob("*.yaml"))):
        policy = load_policy(path)
        if policy.hash == policy_hash:
            return policy
    return None


def _of(path: Path, transaction_id: str, tenant: str | None) -> Iterator[tuple[str, bytes]]:
    """Yield the documents on a transaction, with their places."""
    try:
        whole = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path}: cannot be read ({error.strerror})") from error
    # One document over many lines, or one a line.
    lines = [whole.rstrip(b"\n")] if _named(whole) else whole.split(b"\n")
    for number, value in enumerate(lines, 1):
        place, named = f"{path}, line {number}", _named(value)
        if named and named.transaction_id == transaction_id and tenant in (None, named.tenant):
            yield place, value


def _named(value: bytes) -> _Named | None:
    try:
        return _NAMED.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
