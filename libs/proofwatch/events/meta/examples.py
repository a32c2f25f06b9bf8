"""Rules for `examples/<event>/*.json`: every event has some, each valid for JSON Schema and for the codec alike.

Examples are stored readable; their compact form is the golden bytes that the codec must reproduce.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no type information

from proofwatch.events.codec import CODECS
from proofwatch.events.meta import schemas
from proofwatch.events.rejected import Rejected

AT_LEAST = 2
"""One minimal and one full."""


def findings(root: Path) -> list[str]:
    """Return what is wrong in the examples under `root`, whose schemas are sound."""
    known = {event: schema for event, _, schema in schemas.events(root)}
    present = {path.name: sorted(path.glob("*.json")) for path in (root / "examples").iterdir() if path.is_dir()}
    found = [
        f"examples/{name}: belongs to no event; remove it or add its schema" for name in present.keys() - known.keys()
    ]
    for event, schema in known.items():
        paths = present.get(event, [])
        if len(paths) < AT_LEAST:
            found.append(f"examples/{event}: has {len(paths)} examples, needs {AT_LEAST}: a minimal and a full one")
        if event not in CODECS:
            found.append(f"events/{event}: has no codec in proofwatch.events.codec")
            continue
        validator = jsonschema.Draft202012Validator(
            schema, registry=schemas.registry(root), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        found += [f"examples/{event}/{path.name} {f}" for path in paths for f in _example(event, path, validator)]
    return found


def compact(path: Path) -> bytes:
    """Return the bytes that an example has on the wire."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _example(event: str, path: Path, validator: Any) -> Iterator[str]:
    try:
        wire = compact(path)
    except ValueError as error:
        yield f"$: is not JSON: {error}"
        return
    for difference in validator.iter_errors(json.loads(wire)):
        yield f"{difference.json_path}: {difference.message} (JSON Schema)"
    codec = CODECS[event]
    try:
        encoded = codec.encode(codec.decode(wire))
    except Rejected as rejected:
        yield f"{rejected.message} (codec)"
        return
    if encoded != wire:
        yield f"$: is not canonical; its golden bytes are {encoded.decode()}"
