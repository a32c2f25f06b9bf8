"""`proofwatch topics`: what schemas/topics declares, on Kafka."""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from proofwatch.bus.errors import BusError
from proofwatch.bus.kafka.topic_plan import Plan, Present, plan
from proofwatch.events.partitions import InvalidPartitions, load_counts, sized
from proofwatch.events.topics import Manifest, TimestampType, TopicSpec, kafka_specs, load_manifests
from proofwatch.runtime.settings import Settings

_IN_SYNC: Final = "min.insync.replicas"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "action",
        choices=("list", "plan", "apply", "widen"),
        help="show what is declared; show what apply and widen would do; create what is missing; give the topics of "
        "transactions more partitions (docs/partitions.md)",
    )
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")
    parser.add_argument(
        "--timestamps",
        choices=("declared", "create-time"),
        default="declared",
        help="create-time keeps the records' own time, to replay an old log (%(default)s)",
    )
    parser.add_argument(
        "--replication",
        type=int,
        metavar="N",
        help=f"copies of each partition; default: the broker's. With 3 or more, {_IN_SYNC} is N - 1",
    )
    parser.add_argument(
        "--partitions",
        action="append",
        default=[],
        metavar="TOPIC=N",
        help="another count than the manifest's, for all topics that are co-partitioned; repeatable",
    )
    parser.add_argument(
        "--partitions-file", type=Path, metavar="FILE", help="the same as YAML; default: PROOFWATCH_PARTITIONS_FILE"
    )
    parser.add_argument("--alter", action="store_true", help="apply: change settings that are not as declared")


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when Kafka refuses, or services could not run on what is there; 2 when the call is wrong."""
    settings = Settings.read()
    try:
        manifests = sized(load_manifests(), _counts(args, settings))
    except InvalidPartitions as error:
        sys.stderr.write(f"proofwatch topics: {error}\n")
        return 2
    specs = [_replicated(spec, args.replication) for spec in kafka_specs(manifests, _timestamps(args))]
    if args.action == "list":
        _list(specs)
        return 0
    try:
        return asyncio.run(_act(args, settings, manifests, specs))
    except BusError as error:
        sys.stderr.write(f"proofwatch topics: {error}\n")
        return 1


async def _act(
    args: argparse.Namespace, settings: Settings, manifests: dict[str, Manifest], specs: Sequence[TopicSpec]
) -> int:
    # the driver belongs to the Kafka extra; listing works without it
    from proofwatch.bus.kafka.security import security_of
    from proofwatch.bus.kafka.topic_admin import topic_admin
    from proofwatch.bus.kafka.topic_setup import ensure_topics

    bootstrap, security = args.bootstrap or settings.kafka_bootstrap, security_of(settings)
    async with topic_admin(bootstrap, security) as admin:
        present = await admin.present([spec.name for spec in specs])
        todo = plan(specs, present)
        if args.action == "plan":
            _say(todo)
            return 0
        if args.action == "widen":
            from services.operations.widen import widen

            return await widen(settings, bootstrap, security, admin, manifests, todo)
        if args.alter and todo.settings:
            await admin.alter(todo.settings, present)
            for each in todo.settings:
                sys.stdout.write(f"changed: {each.topic}: {each.name} = {each.wanted}, was {each.now}\n")
            todo = todo._replace(settings=())
    copies = {} if args.replication is None else {"replication_factor": args.replication}
    ensured = await ensure_topics(bootstrap, todo.missing, **copies, security=security)
    sys.stdout.write(f"topics created: {', '.join(ensured.created) or 'none'}\n")
    _say(todo._replace(missing=()))
    uneven = list(_uneven(manifests, present, todo))
    sys.stderr.writelines(f"proofwatch topics: {sentence}\n" for sentence in uneven)
    return 1 if uneven else 0


def _counts(args: argparse.Namespace, settings: Settings) -> dict[str, int]:
    """Return the counts that were asked for; an option wins over the file."""
    path = args.partitions_file or settings.partitions_file
    counts = load_counts(path) if path else {}
    for given in args.partitions:
        topic, _, count = given.partition("=")
        if not (count.isascii() and count.isdigit()):
            raise InvalidPartitions(f"--partitions {given}: TOPIC=N is wanted, such as onboarding.transactions.v1=12")
        counts[topic] = int(count)
    return counts


def _timestamps(args: argparse.Namespace) -> TimestampType | None:
    return "CreateTime" if args.timestamps == "create-time" else None


def _replicated(spec: TopicSpec, replication: int | None) -> TopicSpec:
    if replication is None or replication < 3:
        return spec
    return spec._replace(config={**spec.config, _IN_SYNC: str(replication - 1)})


def _say(todo: Plan) -> None:
    lines = [f"to create: {spec.name}, {spec.partitions} partitions" for spec in todo.missing]
    lines += [
        f"differs: {each.topic} has {each.name} = {each.now}, not {each.wanted}; `topics apply --alter` changes it"
        for each in todo.settings
    ]
    for each in todo.counts:
        more = "`topics widen` gives it more (docs/partitions.md)" if each.wanted > each.now else "it cannot have fewer"
        lines.append(f"differs: {each.topic} has {each.now} partitions, not {each.wanted}; {more}")
    sys.stdout.write("".join(f"{line}\n" for line in lines or ["nothing else to do"]))


def _uneven(manifests: dict[str, Manifest], present: dict[str, Present], todo: Plan) -> Iterable[str]:
    """Yield what no service can run on: co-partitioned topics, dead letters too, whose counts are not the same."""
    now = {spec.name: spec.partitions for spec in todo.missing} | {n: each.partitions for n, each in present.items()}
    for name, each in manifests.items():
        partner = each.co_partitioned_with
        if partner and now[partner] != now[name]:
            yield f"{name} has {now[name]} partitions and {partner} {now[partner]}: they must be the same"
        if each.dead_letter and now[each.dead_letter] < now[name]:
            yield f"{each.dead_letter} has {now[each.dead_letter]} partitions, fewer than {name} with {now[name]}"


def _list(specs: Sequence[TopicSpec]) -> None:
    width = max(len(spec.name) for spec in specs)
    for spec in specs:
        settings = " ".join(f"{name}={value}" for name, value in sorted(spec.config.items()))
        sys.stdout.write(f"{spec.name:{width}}  {spec.partitions:2} partitions  {settings}\n")
