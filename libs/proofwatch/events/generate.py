"""Generate `types.py` and `enumerations.py` from `schemas/events` (development only: datamodel-code-generator, ruff).

`python -m proofwatch.events.generate` writes both, and what else is made from the schemas (`events.avro`,
`events.asyncapi`); `--check` exits with 1 when a committed module differs.

The generator reads JSON Schema; `post_processing` then says what its options cannot.
"""

import argparse
import difflib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from proofwatch import resources
from proofwatch.events import asyncapi, avro
from proofwatch.events.enumeration_aliases import module_text
from proofwatch.events.post_processing import post_process

TYPES = Path(__file__).with_name("types.py")
ENUMERATIONS = Path(__file__).with_name("enumerations.py")
MARK = "# Generated from schemas/events by `python -m proofwatch.events.generate`; do not edit.\n"
HEADER = """\
\"\"\"The events on the wire, as msgspec structs. An optional field that is absent is None, and stays absent.\"\"\"

"""
OPTIONS = (
    "--input-file-type=jsonschema",
    "--output-model-type=msgspec.Struct",
    "--use-annotated",
    "--field-constraints",
    "--enum-field-as-literal=all",
    "--output-datetime-class=datetime",
    "--target-python-version=3.11",
    "--use-standard-collections",
    "--use-union-operator",
    "--use-schema-description",
    "--keyword-only",
    "--skip-root-model",
    "--disable-timestamp",
    "--disable-future-imports",
    "--no-formatters",  # formatted below, after post-processing
)


def bundle(events: Path) -> dict[str, Any]:
    """Return one schema whose `$defs` hold every shared definition and every event, by class name."""
    parts: dict[str, Any] = {}
    for path in sorted(events.glob("*.v1.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        if path.name == "definitions.v1.schema.json":
            parts |= {name.capitalize(): part for name, part in schema["$defs"].items()}
        else:
            parts[schema["title"]] = {k: v for k, v in schema.items() if not k.startswith("$")}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": _relocated(parts)}


def _relocated(node: Any) -> Any:
    if isinstance(node, list):
        return [_relocated(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {k: f"#/$defs/{_class(v)}" if k == "$ref" else _relocated(v) for k, v in node.items()}


def _class(reference: str) -> str:
    return reference.rsplit("/", 1)[1].capitalize()


def generate(events: Path) -> dict[Path, str]:
    """Return the text of each module for the schemas in `events`."""
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch, "events.json"), Path(scratch, "types.py")
        schemas = bundle(events)
        source.write_text(json.dumps(schemas), encoding="utf-8")
        _run("datamodel_code_generator", f"--input={source}", f"--output={target}", *OPTIONS)
        generated = target.read_text(encoding="utf-8")
    return {
        TYPES: _formatted(HEADER + post_process(generated, schemas["$defs"])),
        ENUMERATIONS: _formatted(module_text(schemas["$defs"])),
    }


def _formatted(text: str) -> str:
    return _run("ruff", "format", "--line-length=120", "--isolated", "-", stdin=MARK + text)


def _run(module: str, *arguments: str, stdin: str | None = None) -> str:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, input=stdin, check=True, text=True, stdout=subprocess.PIPE).stdout  # noqa: S603 — our own arguments


def main() -> int:
    """Write everything that is generated, or with --check compare the modules; return the exit status."""
    parser = argparse.ArgumentParser(description="Generate the wire types from schemas/events.")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a committed module differs")
    check: bool = parser.parse_args().check
    modules = generate(resources.schemas() / "events")
    if check:
        return max([_compare(target, text) for target, text in modules.items()])
    for target, text in modules.items():
        target.write_text(text, encoding="utf-8")
    avro.write(resources.schemas())
    asyncapi.write(resources.schemas())
    return 0


def _compare(target: Path, text: str) -> int:
    committed = target.read_text(encoding="utf-8") if target.exists() else ""
    if committed == text:
        return 0
    changes = difflib.unified_diff(committed.splitlines(), text.splitlines(), "committed", "generated", lineterm="")
    message = f"{target} is not what the schemas say; run `python -m proofwatch.events.generate`."
    print("\n".join([message, *list(changes)[:40]]), file=sys.stderr)  # noqa: T201 — a command's output
    return 1


if __name__ == "__main__":
    sys.exit(main())
