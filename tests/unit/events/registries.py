"""A schema registry in memory. It keeps and finds schemas as the real one does; it refuses nothing."""

from itertools import count

from proofwatch import resources
from proofwatch.events.registry_subjects import Subject, WireFormat, subjects
from proofwatch.events.schema_registry import Stored
from proofwatch.events.wire_errors import RegistryUnavailable
from proofwatch.events.wire_framed import FramedWire


class MemoryRegistry:
    """`asked` counts the schemas that were fetched; `down` makes it unreachable."""

    def __init__(self) -> None:
        self.subjects: dict[int, Subject] = {}
        self.asked: list[int] = []
        self.down = False
        self._ids = count(1)

    async def schema(self, schema_id: int) -> Stored | None:
        if self.down:
            raise RegistryUnavailable("down")
        self.asked.append(schema_id)
        found = self.subjects.get(schema_id)
        return Stored(found.schema_type, found.text, False) if found else None

    async def lookup(self, subject: Subject) -> int | None:
        return next((each for each, known in self.subjects.items() if known == subject), None)

    async def register(self, subject: Subject) -> int:
        known = await self.lookup(subject)
        if known is None:
            known = next(self._ids)
            self.subjects[known] = subject
        return known

    async def close(self) -> None:
        self.down = True

    async def wire(self, wire_format: WireFormat) -> FramedWire:
        """Return a wire of this release on this registry."""
        root = resources.schemas()
        own = {await self.register(subject): subject for subject in subjects(root, wire_format)}
        return FramedWire(self, own, subjects(root, "avro"))
