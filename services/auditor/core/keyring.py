"""Which keys are configured, which the log knows, and what must be entered so that both agree."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from proofwatch.audit.entry import BEGUN, KEY_ADDED, KEY_RETIRED, Entry, of_auditor
from proofwatch.audit.keys import LogKeys
from proofwatch.audit.note import SigningKey


class KeysDisagree(ValueError):
    """The keys that are configured are not those that the log needs; the message says what would be right."""


class Change(NamedTuple):
    """A key that is added to the log, or retired from it."""

    action: str
    key: str


def changes(configured: Sequence[SigningKey], known: LogKeys, retire: str | None) -> list[Change]:
    """Return what must be entered: the first key, further ones, and the one that is to be retired by its id in hex.

    Raises `KeysDisagree` if a key that the log needs is not configured, or the last one would be retired.
    """
    origins = {each.verifier.name for each in configured}
    if len(origins) != 1:
        raise KeysDisagree("every signing key has the log's origin as its name, and there is at least one")
    standing = {each.key.text() for each in known.keys if each.retired is None}
    past = {each.key.text() for each in known.keys if each.retired is not None}
    retiring = {each for each in standing if retire and each.split("+")[1] == retire}
    if retire and not retiring and not any(each.split("+")[1] == retire for each in past):
        raise KeysDisagree(f"the log has no key {retire}; `proofwatch audit keys` shows which it has")
    mine = {each.verifier.text() for each in configured}
    if missing := sorted(standing - retiring - mine):
        raise KeysDisagree(
            f"the log signs with {', '.join(missing)} too: configure it, or retire it with "
            f"PROOFWATCH_AUDIT_RETIRE_KEY={missing[0].split('+')[1]}"
        )
    added = [each.verifier.text() for each in configured if each.verifier.text() not in standing | past]
    if not (standing - retiring) and not added:
        raise KeysDisagree("the last key of the log cannot be retired: configure the next one beside it first")
    first = [Change(BEGUN, added.pop(0))] if not known.keys else []
    return [*first, *(Change(KEY_ADDED, each) for each in added), *(Change(KEY_RETIRED, each) for each in retiring)]


def entry_of_change(change: Change, origin: str, at: datetime, salt: bytes) -> Entry:
    """Return the entry that says so; its id follows from the change, so that it is entered once."""
    return of_auditor(change.action, change.key, origin, at, salt, f"{change.action}-{change.key.split('+')[1]}")
