"""Generate `schemas/avro` from `schemas/events`, and hold it against what was released.

`python -m proofwatch.events.avro` writes the files; `--check` exits with 1 when the committed ones differ;
`--check-compatible` exits with 1 when a released schema's records could not be read any more; `--release NAME` keeps
the present ones as released under `schemas/avro/released/NAME`.
"""

import argparse
import json
import sys
from pathlib import Path

from proofwatch import resources
from proofwatch.events.avro_compatibility import breaks
from proofwatch.events.avro_schema import Schema, avro_schema
from proofwatch.events.schema_files import definitions, events

FOLDER = "avro"
RELEASED = "released"


def generate(root: Path) -> dict[str, str]:
    """Return the text of every Avro schema by its file name, for the events under `root`."""
    shared = definitions(root)
    return {
        f"{event}.v{version}.avsc": _text(avro_schema(schema, version, shared))
        for event, version, schema in events(root)
    }


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def stale(root: Path) -> list[str]:
    """Return what in `avro/` is not what the schemas say."""
    wanted = generate(root)
    folder = root / FOLDER
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.avsc")}
    remedy = "run `python -m proofwatch.events.avro`"
    found = [f"{FOLDER}/{name}: is missing; {remedy}" for name in wanted.keys() - present.keys()]
    found += [f"{FOLDER}/{name}: belongs to no event; remove it" for name in present.keys() - wanted.keys()]
    found += [
        f"{FOLDER}/{name}: is not what the event's schema says; {remedy}"
        for name in wanted.keys() & present.keys()
        if wanted[name] != present[name]
    ]
    return sorted(found)


def incompatible(root: Path) -> list[str]:
    """Return why records of some release could not be read with the schemas under `root` (BACKWARD_TRANSITIVE)."""
    found = []
    for released in sorted((root / FOLDER / RELEASED).glob("*/*.avsc")):
        where = f"{FOLDER}/{released.name} after {released.parent.name}"
        present = root / FOLDER / released.name
        if not present.exists():
            found.append(f"{where}: is gone; records of it may still lie on its topic")
            continue
        writer, reader = (json.loads(path.read_text(encoding="utf-8")) for path in (released, present))
        found += [f"{where} {finding}" for finding in breaks(writer, reader)]
    return found


def write(root: Path, release: str | None = None) -> None:
    """Write `avro/`, or what is there now into `avro/released/<release>`."""
    folder = root / FOLDER / RELEASED / release if release else root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in generate(root).items():
        (folder / name).write_text(text, encoding="utf-8")


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m proofwatch.events.avro",
        description="Generate schemas/avro from schemas/events, or check it.",
        epilog="example: python -m proofwatch.events.avro --check --check-compatible",
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when the committed schemas differ")
    parser.add_argument("--check-compatible", action="store_true", help="exit with 1 when a release could not be read")
    parser.add_argument("--release", metavar="NAME", help="keep the present schemas as those of this release")
    args, root = parser.parse_args(), resources.schemas()
    if not (args.check or args.check_compatible):
        write(root, args.release)
        return 0
    found = [*(stale(root) if args.check else ()), *(incompatible(root) if args.check_compatible else ())]
    sys.stderr.write("".join(f"{finding}\n" for finding in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
