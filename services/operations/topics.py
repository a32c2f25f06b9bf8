"""`proofwatch topics`: what schemas/topics declares, on Kafka."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from proofwatch.bus.errors import BusError
from proofwatch.events.topics import TopicSpec, kafka_specs
from proofwatch.runtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("action", choices=("list", "apply"), help="show what is declared, or create what is missing")
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")
    parser.add_argument(
        "--timestamps",
        choices=("declared", "create-time"),
        default="declared",
        help="create-time keeps the records' own time, to replay an old log (%(default)s)",
    )
    parser.add_argument("--replication", type=int, metavar="N", help="copies of each partition; default: the broker's")


def run(args: argparse.Namespace) -> int:
    """List, or create what is missing; return 1 when Kafka refuses or something that exists is not as declared."""
    specs = list(kafka_specs(timestamp_type="CreateTime" if args.timestamps == "create-time" else None))
    if args.action == "list":
        _list(specs)
        return 0
    # the driver belongs to the Kafka extra; listing works without it
    from proofwatch.bus.admin import ensure_topics
    from proofwatch.bus.kafka_security import security_of

    settings = Settings.read()
    bootstrap = args.bootstrap or settings.kafka_bootstrap
    copies = {} if args.replication is None else {"replication_factor": args.replication}
    try:
        ensured = asyncio.run(ensure_topics(bootstrap, specs, **copies, security=security_of(settings)))
    except BusError as error:
        sys.stderr.write(f"proofwatch topics: {error}\n")
        return 1
    sys.stdout.write(f"topics created: {', '.join(ensured.created) or 'none'}\n")
    for difference in ensured.differences:
        sys.stderr.write(f"proofwatch topics: {difference}; what exists is never changed, see to it yourself\n")
    return 1 if ensured.differences else 0


def _list(specs: Sequence[TopicSpec]) -> None:
    width = max(len(spec.name) for spec in specs)
    for spec in specs:
        settings = " ".join(f"{name}={value}" for name, value in sorted(spec.config.items()))
        sys.stdout.write(f"{spec.name:{width}}  {spec.partitions:2} partitions  {settings}\n")
