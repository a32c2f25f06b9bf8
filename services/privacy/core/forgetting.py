"""By which day every topic has forgotten somebody, from the manifests.

A record of a topic that deletes goes with its segment: retention counts from the newest record of the segment, which is
closed when it is full or `segment_time` old. On a compacted topic a tombstone takes away what was there once its
segment is closed and compaction has come, and goes itself, with its key, a day later at the next one.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.events.categories import categories_of
from proofwatch.events.topics import DEAD_LETTER_RETENTION, TOMBSTONES_KEPT, Manifest

BROKERS_SEGMENT_TIME: Final = timedelta(days=7)
"""How old a segment becomes where the manifest does not say: Kafka's default."""
_LOOKS: Final = timedelta(hours=1)
"""Brokers look for what is to be deleted every five minutes, and compact as they find time."""
_FIELDS: Final = frozenset({"$.subject_ref", "$.subject_tag", "$.transaction_id", "$.reasons[].transaction_id"})
_KEYS: Final = ("subject_ref", "transaction_id")


class Forgets(NamedTuple):
    """A topic that knows of people, and how long after an erasure it may know."""

    topic: str
    after: timedelta


def forgetting(manifests: Iterable[Manifest]) -> list[Forgets]:
    """Return each topic that knows of single people, and its dead letters, the last to forget first."""
    found: list[Forgets] = []
    for each in manifests:
        if not _knows(each):
            continue
        found.append(Forgets(each.name, _after(each)))
        if each.dead_letter:
            rolled = each.segment_time or BROKERS_SEGMENT_TIME
            found.append(Forgets(each.dead_letter, DEAD_LETTER_RETENTION + rolled + _LOOKS))
    return sorted(found, key=lambda each: (-each.after, each.topic))


def forgotten_by(at: datetime, manifests: Iterable[Manifest]) -> date:
    """Return the day by whose end the last topic has forgotten whoever is erased at `at`."""
    longest = max((each.after for each in forgetting(manifests)), default=timedelta(0))
    return (at + longest + timedelta(days=1)).date()


def _knows(manifest: Manifest) -> bool:
    if any(name in manifest.key for name in _KEYS):
        return True
    fields = {
        name for event in manifest.events for version in event.versions for name in categories_of(event.name, version)
    }
    return bool(fields & _FIELDS)


def _after(manifest: Manifest) -> timedelta:
    rolled = manifest.segment_time or BROKERS_SEGMENT_TIME
    if "compact" in manifest.cleanup_policy:
        lag = manifest.max_compaction_lag or timedelta(0)
        return 2 * (rolled + lag) + TOMBSTONES_KEPT + _LOOKS
    return manifest.retention + rolled + _LOOKS
