"""What `proofwatch backup check` says, from numbers: a row for everything that is the truth of something."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from proofwatch.bus.kafka.topic_plan import Present
from proofwatch.events.topics import Manifest, TopicSpec
from proofwatch.instants import instant_of
from services.operations.database_positions import SCHEMAS, DatabasePositions, Stored, ahead, misfit

HEADS: Final = ("WHAT", "TRUTH", "PARTITIONS", "BEHIND", "SPARE", "REPLAYS UNTIL", "CAN BE RESTORED")
_FOR_EVER_DAYS: Final = 3_650
"""Topics that are kept for as long hold the truth itself, and not only what is counted in PostgreSQL."""
_NOTHING: Final = "-"


class Row(NamedTuple):
    """A line of the table; `wrong`: why it could not be restored, `notes`: what will be needed."""

    cells: tuple[str, ...]
    wrong: Sequence[str] = ()
    notes: Sequence[str] = ()


def judged(
    positions: DatabasePositions, manifests: Mapping[str, Manifest], present: Mapping[str, Present]
) -> list[Row]:
    """Return the rows: each schema and what it reads, then the topics that are themselves the truth."""
    rows = [row for schema in SCHEMAS for row in _of_schema(schema, positions, present)]
    kept = [each for _, each in sorted(manifests.items()) if _is_truth(each)]
    return [*rows, *(_of_topic(each, present.get(each.name)) for each in kept)]


def lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the table, its columns as wide as what is in them."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _is_truth(manifest: Manifest) -> bool:
    return "compact" in manifest.cleanup_policy or manifest.retention.days >= _FOR_EVER_DAYS


def _of_schema(schema: str, positions: DatabasePositions, present: Mapping[str, Present]) -> Iterator[Row]:
    stored = [each for each in positions.stored if each.schema == schema]
    if not stored:
        yield Row((f"{schema}: nothing read yet", "PostgreSQL", *[_NOTHING] * 4, "yes"))
    for topic, group in groupby(stored, key=attrgetter("topic")):
        yield _read_of(schema, topic, list(group), positions, present.get(topic))


def _read_of(
    schema: str, topic: str, stored: Sequence[Stored], positions: DatabasePositions, topic_is: Present | None
) -> Row:
    wrong = [said for each in stored if (said := misfit(each, positions.held.get((topic, each.partition))))]
    unknown = sum(ahead(each, positions) for each in stored)
    notes = []
    if unknown:
        notes.append(
            f"{schema} of {topic}: {unknown} outputs are published that this database does not know; after it is "
            f"restored, before {schema} starts: "
            f"`proofwatch restore relay --schema {schema} --yes --operator … --note …`"
        )
    both = [(each, held) for each in stored if (held := positions.held.get((topic, each.partition)))]
    behind = sum(held.end - (each.position or held.begin) for each, held in both)
    spare = min((each.position - held.begin for each, held in both if each.position is not None), default=None)
    cells = (
        f"{schema} of {topic}",
        "PostgreSQL",
        str(len(stored)),
        str(behind) if both else _NOTHING,
        _NOTHING if spare is None else str(spare),
        _until(stored, topic_is),
        "no" if wrong else "yes, with restore relay" if notes else "yes",
    )
    return Row(cells, wrong, notes)


def _until(stored: Sequence[Stored], topic_is: Present | None) -> str:
    """Return when the oldest record that is not read may go: the least progress plus the topic's retention."""
    known = [each.progress_ms for each in stored if each.progress_ms is not None]
    kept_ms = _kept_ms(topic_is)
    if kept_ms is None or not known:
        return _NOTHING
    return "for ever" if kept_ms < 0 else instant_of(min(known) + kept_ms).strftime("%Y-%m-%dT%H:%MZ")


def _of_topic(manifest: Manifest, topic_is: Present | None) -> Row:
    spec = next(iter(manifest.specs()))
    wrong = list(_unkept(spec, topic_is))
    partitions = str(topic_is.partitions) if topic_is else _NOTHING
    cells = (manifest.name, "Kafka", partitions, _NOTHING, _NOTHING, _NOTHING, "no" if wrong else "yes, from a mirror")
    return Row(cells, wrong)


def _unkept(spec: TopicSpec, topic_is: Present | None) -> Iterator[str]:
    """Yield why a topic does not keep what is nowhere else."""
    if topic_is is None:
        yield f"{spec.name} is the truth, and there is no such topic: restore it, or `proofwatch topics apply`"
        return
    policy, wanted = topic_is.config.get("cleanup.policy"), spec.config["cleanup.policy"]
    if policy != wanted:
        yield f"{spec.name} is the truth, and its cleanup.policy is {policy}, not {wanted}: what it holds goes"
    kept_ms, wanted_ms = _kept_ms(topic_is), int(spec.config["retention.ms"])
    if "delete" in wanted and kept_ms is not None and 0 <= kept_ms < wanted_ms:
        yield f"{spec.name} is the truth, and its retention.ms is {kept_ms}, not {wanted_ms}: what it holds goes"


def _kept_ms(topic_is: Present | None) -> int | None:
    kept = topic_is.config.get("retention.ms") if topic_is else None
    return None if kept is None else int(kept)
