"""Errors of the bus, named by what to do with them."""


class BusError(Exception):
    """Anything the bus raises."""


class Fenced(BusError):
    """Another owner has taken the partition over: drop everything, wait, acquire anew."""


class Gap(BusError):
    """The durable position is not where the batch begins: re-read the position and seek."""


class NotAssigned(BusError):
    """The partition is not assigned to this member now: let the lane end."""


class BusUnavailable(BusError):
    """The bus does not answer: retry; at start-up, stop with a message."""


class DatabaseAway(BusUnavailable):
    """The database does not do its work now: wait for it, however long, and be not ready meanwhile.

    `kind` names what is the matter, in a word (`proofwatch.bus.postgres.errors`).
    """

    def __init__(self, message: str, kind: str = "away") -> None:
        super().__init__(message)
        self.kind = kind


class DatabaseUnfit(DatabaseAway):
    """The database lacks what this service needs, and an operator must act: at start-up, stop; later, wait for it."""


class Refused(BusUnavailable):
    """The bus is there and does not let us in, or a file for that cannot be used: an operator changes a setting."""


class UnknownTopic(BusError):
    """The topic does not exist: create it from its manifest (`proofwatch topics apply`)."""


class PartitionMismatch(BusError):
    """Two topics that must be co-partitioned differ in their partition count: stop at start-up."""


class Stuck(BusError):
    """A lane has had no success for too long: let the process end, so that its supervisor starts it anew."""


class RecordTooLarge(BusError):
    """A record exceeds what the bus takes: raise the limit of the topic and of the producer, in bytes."""


class Blocked(BusError):
    """A partition is blocked until an operator repairs something: wait, and be not ready meanwhile."""


class DatabaseOlder(Blocked, Gap):
    """The database was restored to before what is published of it: write nothing until an operator has decided."""

    def __init__(self, schema: str, where: str, published: int, known: int) -> None:
        super().__init__(
            f"{where}: outputs up to {published} are published, but {schema}.fence knows {known} only: the database is "
            f"older than Kafka, and nothing is read or written. Stop {schema}, run `proofwatch restore relay --schema "
            f"{schema} --yes --operator … --note …`, and start it again (docs/backup.md)"
        )


class ErasuresUnknown(Blocked):
    """The database was restored to before somebody was erased, and has them again: nothing is read or written."""

    def __init__(self, topic: str, count: int) -> None:
        were = "1 erasure" if count == 1 else f"{count:,} erasures"
        super().__init__(
            f"the database was restored to before {were} that {topic} has, and holds again who was erased: nothing is "
            f"read or written. Run `proofwatch erase replay`; this goes on by itself then (docs/backup.md)"
        )


class Halted(BusError):
    """Too many records of a partition would become dead letters: end the process, and let an operator look."""


class Unreadable(Halted):
    """A batch in the log cannot be unpacked, however often it is read: end the process, and let an operator look."""


class NotMigrated(BusError):
    """The database lacks the tables of this release: run `proofwatch migrate`."""


class PositionLost(Halted):
    """The durable position is gone while what came of it is there: an operator decides; going on would do it twice."""


class TopicChanged(Halted):
    """A topic has other partitions now, or is another one of the same name: end the process before it misplaces."""


class InstanceTaken(Halted):
    """Another process has joined the group under this one's instance id: end the process, the other goes on."""


class TopicReplaced(Halted):
    """A topic was deleted and made anew since it was read: an operator decides whether the new one may be read."""
