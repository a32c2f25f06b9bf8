"""What a committed batch published: counted where it passes, for whoever observes lanes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from proofwatch.bus.records import Outgoing, Part, Rejection
from proofwatch.events.topics import dead_letter_topic

_TOPIC: Final = itemgetter(0)


class Committed:
    """What became of the records of `topic` in one batch: records published by topic, and what was rejected."""

    def __init__(self, topic: str) -> None:
        self.records = Counter[str]()
        self.rejections: list[Rejection] = []
        self._letters = dead_letter_topic(topic)

    def count(self, parts: Iterable[Part]) -> Iterator[Part]:
        """Count the parts of a batch's outputs as they pass."""
        for part in parts:
            if isinstance(part, Rejection):
                self.reject(part)
            else:
                self.add(part)
            yield part

    def add(self, outputs: Sequence[Outgoing]) -> None:
        """Count further outputs."""
        self.records += Counter(map(_TOPIC, outputs))

    def reject(self, rejection: Rejection) -> None:
        """Count a rejection, of which a dead letter is published."""
        self.records[self._letters] += 1
        self.rejections.append(rejection)
