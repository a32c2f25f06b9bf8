"""Generate `schemas/asyncapi.yaml` (AsyncAPI 3.0) from the topic manifests and the event schemas (development only).

`python -m proofwatch.events.asyncapi` writes the file; `--check` exits with 1 when the committed one differs.

A channel for each topic, an operation for each process that writes or reads it, and a message for each event, whose
payload is the event's own JSON Schema. What AsyncAPI has no word for stands under `x-`.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from proofwatch import resources
from proofwatch.events.schema_files import events
from proofwatch.events.topics import Manifest, load_manifests

TARGET: Final = "asyncapi.yaml"
REMEDY: Final = "run `python -m proofwatch.events.asyncapi`"
_HEADER: Final = "# Generated from topics/ and events/ by `python -m proofwatch.events.asyncapi`; do not edit.\n"
_BINDING: Final = "0.5.0"
_WITH_HEADERS: Final = "scorer"
"""The process whose events carry CloudEvents headers, but for the state that nobody else reads."""

_INFO: Final = {
    "title": "Proofwatch",
    "version": "1.0.0",
    "description": (
        "What travels on Kafka between upstream onboarding systems and Proofwatch, and between its own services. "
        "Values are JSON; where a schema registry is configured they are framed with the id of their schema, as Avro "
        "or JSON."
    ),
    "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
}

_CLOUD_EVENT: Final = {
    "headers": {
        "type": "object",
        "description": "CloudEvents 1.0 in Kafka's binary mode, and W3C Trace Context where the cause carried it.",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"],
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": {"type": "string", "description": "The event's own id; unique together with ce_source."},
            "ce_source": {"type": "string", "description": "The process and the kind of event."},
            "ce_type": {"type": "string", "description": "The kind of event and its version."},
            "content-type": {"type": "string", "description": "The media type of the value."},
            "traceparent": {"type": "string"},
            "tracestate": {"type": "string"},
        },
    }
}


def generate(root: Path) -> str:
    """Return the document's text for the manifests and schemas under `root`. Raises `InvalidManifest`."""
    schemas = {(event, version): schema for event, version, schema in events(root)}
    manifests = load_manifests(root / "topics").values()
    document = {
        "asyncapi": "3.0.0",
        "info": _INFO,
        "defaultContentType": "application/json",
        "channels": {manifest.name: _channel(manifest, schemas) for manifest in manifests},
        "operations": dict(operation for manifest in manifests for operation in _operations(manifest)),
        "components": {"messageTraits": {"cloudEvent": _CLOUD_EVENT}},
    }
    return _HEADER + yaml.dump(document, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


def write(root: Path) -> None:
    """Write the document."""
    (root / TARGET).write_text(generate(root), encoding="utf-8")


def stale(root: Path) -> list[str]:
    """Return the finding that the committed document differs, if it does."""
    path = root / TARGET
    if not path.exists():
        return [f"{TARGET}: is missing; {REMEDY}"]
    if path.read_text(encoding="utf-8") != generate(root):
        return [f"{TARGET}: is not what topics/ and events/ say; {REMEDY}"]
    return []


class _Plain(yaml.SafeDumper):
    """Without anchors: they make readers look for what is meant."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _channel(manifest: Manifest, schemas: dict[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    settings = {
        "cleanup.policy": manifest.cleanup_policy.split(","),
        "retention.ms": manifest.retention // timedelta(milliseconds=1),
        "max.message.bytes": manifest.max_message_bytes,
    }
    kafka = {
        "topic": manifest.name,
        "partitions": manifest.partitions,
        "topicConfiguration": settings,
        "bindingVersion": _BINDING,
    }
    extensions = {
        "x-owner": manifest.owner,
        "x-timestamp-type": manifest.timestamp_type,
        "x-co-partitioned-with": manifest.co_partitioned_with,
        "x-purposes": [str(purpose) for purpose in manifest.purposes],
        "x-dead-letter": manifest.dead_letter,
    }
    return {
        "address": manifest.name,
        "description": manifest.description,
        "messages": {
            f"{name}.v{version}": _message(manifest, name, version, schemas[name, version])
            for name, version in _carried(manifest)
        },
        "bindings": {"kafka": kafka},
        **{key: value for key, value in extensions.items() if value},
    }


def _message(manifest: Manifest, name: str, version: int, schema: dict[str, Any]) -> dict[str, Any]:
    traits = {"traits": [{"$ref": "#/components/messageTraits/cloudEvent"}]}
    return {
        "name": f"{name}.v{version}",
        "title": schema["title"],
        "summary": schema["description"],
        "payload": {"$ref": f"./events/{name}.v{version}.schema.json"},
        "bindings": {"kafka": {"key": {"type": "string", "description": manifest.key}, "bindingVersion": _BINDING}},
        **(traits if _WITH_HEADERS in manifest.producers and {*manifest.consumers} != {_WITH_HEADERS} else {}),
    }


def _operations(manifest: Manifest) -> Iterator[tuple[str, dict[str, Any]]]:
    for action, processes in (("send", manifest.producers), ("receive", manifest.consumers)):
        for process in processes:
            channel = f"#/channels/{manifest.name}"
            yield (
                f"{process}.{action}.{manifest.name}",
                {
                    "action": action,
                    "channel": {"$ref": channel},
                    "tags": [{"name": process}],
                    "messages": [{"$ref": f"{channel}/messages/{name}.v{v}"} for name, v in _carried(manifest)],
                },
            )


def _carried(manifest: Manifest) -> Iterator[tuple[str, int]]:
    return ((event.name, version) for event in manifest.events for version in event.versions)


def main() -> int:
    """Write the document, or with --check compare it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m proofwatch.events.asyncapi",
        description="Generate schemas/asyncapi.yaml from the topic manifests and event schemas.",
        epilog="example: python -m proofwatch.events.asyncapi --check",
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when the committed document differs")
    check, root = parser.parse_args().check, resources.schemas()
    if not check:
        write(root)
        return 0
    found = stale(root)
    sys.stderr.write("".join(f"{finding}\n" for finding in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
