"""Rules for the contracts themselves: schemas, examples and topics (development only: needs jsonschema).

`python -m proofwatch.events.meta` prints what breaks a rule and exits with 1.
"""

from pathlib import Path

from proofwatch.events import asyncapi, avro
from proofwatch.events.meta import examples, schemas, topics


def findings(root: Path) -> list[str]:
    """Return everything wrong under `root` (the directory of `events/`, `topics/` and `examples/`).

    Each finding says which file, where in it, and what would be right. Examples and topics are judged only once the
    schemas are sound, and what is generated from all of them (Avro, AsyncAPI) once those are.
    """
    return (
        schemas.findings(root)
        or [*examples.findings(root), *topics.findings(root)]
        or [*avro.stale(root), *asyncapi.stale(root)]
    )
