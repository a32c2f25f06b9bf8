"""Rules for `topics/*.yaml`: known events, sound dead-letter topics, and no datum where its purpose is not allowed.

A topic is one store read for all of its purposes, so it may carry a field only when *every* purpose of the topic allows
the field's category: allowing it for one only would let the readers for another purpose see it as well.
"""

from collections.abc import Iterator
from pathlib import Path

from proofwatch.events.categories import fields_of
from proofwatch.events.meta import schemas
from proofwatch.events.topics import ERASURES, POSITIONS, InvalidManifest, Manifest, dead_letter_topic, load_manifests
from proofwatch.governance.purposes import Category, allowed

PROCESSES = frozenset(
    {"scorer", "devices", "combine", "windows", "ledger", "incidents", "triage", "notifier", "consents"}
)
"""Our own consumers: whatever they read can be refused, so it needs a dead-letter topic."""

WITHOUT_TOPIC = frozenset({"dead-letter"})
"""Events that travel otherwise: a dead letter is the original record, its fields are headers."""

NEVER_REFUSED = frozenset({ERASURES, POSITIONS})
"""Topics that fences read, not stages: what they hold is ours, and what cannot be read is waited for, and said."""

NON_PERSONAL = {"platform-alert": frozenset({Category.CONFIGURATION, Category.DIAGNOSTIC_AND_USAGE})}
"""Events that go straight to operators and so may carry nothing else, whatever the purpose."""


def findings(root: Path) -> list[str]:
    """Return what is wrong in the topic manifests under `root`, whose schemas are sound."""
    try:
        manifests = load_manifests(root / "topics")
    except InvalidManifest as error:
        return [str(error)]
    known = {(event, version): schema for event, version, schema in schemas.events(root)}
    carried = {(event.name, version) for m in manifests.values() for event in m.events for version in event.versions}
    found = [
        f"events/{event}.v{version}.schema.json $: is on no topic; name it in a manifest or remove it"
        for event, version in sorted(known.keys() - carried)
        if event not in WITHOUT_TOPIC
    ]
    for manifest in manifests.values():
        rules = [*_partners(manifest, manifests), *_dead_letter(manifest)]
        for name, version in ((event.name, v) for event in manifest.events for v in event.versions):
            if (name, version) in known:
                rules += _categories(manifest, name, list(fields_of(known[name, version], root)))
            else:
                rules.append(f"events: {name} version {version} has no schema")
        found += [f"topics/{manifest.name}.yaml {rule}" for rule in rules]
    return found


def _partners(manifest: Manifest, manifests: dict[str, Manifest]) -> Iterator[str]:
    partner = manifests.get(manifest.co_partitioned_with or manifest.name)
    if partner is None:
        yield f"co_partitioned_with: {manifest.co_partitioned_with} is no topic"
    elif (partner.partitions, partner.key) != (manifest.partitions, manifest.key):
        yield (
            f"co_partitioned_with: {partner.name} has {partner.partitions} partitions by {partner.key}, "
            f"this topic {manifest.partitions} by {manifest.key}; both must be the same"
        )


def _dead_letter(manifest: Manifest) -> Iterator[str]:
    expected = dead_letter_topic(manifest.name)
    readers = sorted(PROCESSES.intersection(manifest.consumers))
    if manifest.dead_letter is None and readers and manifest.name not in NEVER_REFUSED:
        yield f"dead_letter: must be {expected}, because {', '.join(readers)} may have to refuse records"
    if manifest.dead_letter not in {None, expected}:
        yield f"dead_letter: must be {expected}, not {manifest.dead_letter}"


def _categories(manifest: Manifest, event: str, fields: list[tuple[str, Category]]) -> Iterator[str]:
    first = {category: place for place, category in reversed(fields)}
    for category, place in first.items():
        if category not in NON_PERSONAL.get(event, Category):
            yield f"events: {event} must carry no personal data, but {place} is of category {category}"
        for purpose in manifest.purposes:
            if allowed(category, purpose) is None:
                yield (
                    f"purposes: {purpose} does not allow the category {category}, which {event} carries at {place}; "
                    "leave out the purpose or the field"
                )
