"""`proofwatch dlq list`: what lies on the dead-letter topics, in groups."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from proofwatch.bus.port import Bus
from proofwatch.plain import one_line
from services.operations.dlq_read import Letter, Progress, read_letters, read_redrives

FOREIGN: Final = "(not a dead letter of Proofwatch)"


class Key(NamedTuple):
    """What dead letters of one group share."""

    topic: str
    stage: str
    reason: str
    partition: int


@dataclass
class Group:
    """Dead letters that share a `Key`; `example` is the offset of the last one; times are those of the refusals."""

    count: int = 0
    first_ms: int = 0
    last_ms: int = 0
    example: int = 0
    redriven: int = 0

    def add(self, letter: Letter, *, redriven: bool) -> None:
        """Count one more."""
        when = letter.record.timestamp_ms
        self.first_ms = when if not self.count else min(self.first_ms, when)
        self.last_ms = max(self.last_ms, when)
        self.example = letter.record.offset
        self.count += 1
        self.redriven += redriven


@dataclass
class Groups:
    """All groups that were found; grows with the number of groups, not of dead letters."""

    by_key: dict[Key, Group] = field(default_factory=dict)

    def add(self, letter: Letter, redriven: Container[tuple[str, int, int]]) -> None:
        """Count a dead letter; `redriven`: places of those that were sent again."""
        at, said = letter.at, letter.said
        key = Key(at.topic, said.stage if said else "", said.reason if said else FOREIGN, at.partition)
        again = (at.topic, at.partition, letter.record.offset) in redriven
        self.by_key.setdefault(key, Group()).add(letter, redriven=again)

    def rows(self) -> list[dict[str, str | int]]:
        """Return one row for each group, in the order of topic, stage, reason and partition."""
        return [
            {
                **key._asdict(),
                "count": group.count,
                "redriven": group.redriven,
                "first": instant(group.first_ms),
                "last": instant(group.last_ms),
                "example": f"{key.topic}/{key.partition}/{group.example}",
            }
            for key, group in sorted(self.by_key.items())
        ]


async def collect(
    bus: Bus, topics: Sequence[str], progress: Progress, *, since_ms: int | None = None, reason: str | None = None
) -> Groups:
    """Return the groups on `topics`: refused since then, and for that reason."""
    redriven, groups = await read_redrives(bus), Groups()
    for topic in topics:
        async for letter in read_letters(bus, topic, progress, since_ms=since_ms):
            if reason is None or (letter.said and letter.said.reason == reason):
                groups.add(letter, redriven)
    return groups


def as_json(groups: Groups) -> str:
    """Return the rows as a JSON array."""
    return msgspec.json.format(msgspec.json.encode(groups.rows()), indent=2).decode() + "\n"


def as_table(groups: Groups) -> str:
    """Return the rows as aligned columns, and what to do next."""
    rows = [[one_line(str(value)) for value in row.values()] for row in groups.rows()]
    if not rows:
        return "no dead letters\n"
    heads = [name.upper() for name in groups.rows()[0]]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in [heads, *rows]]
    lines = ["  ".join(row).rstrip() for row in padded]
    return "\n".join([*lines, "", f"one of them: proofwatch dlq show {rows[0][-1]}", ""])


def instant(timestamp_ms: int) -> str:
    """Return milliseconds since the Unix epoch as RFC 3339, in UTC."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
