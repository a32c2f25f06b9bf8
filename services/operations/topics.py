"""`proofwatch topics`: what schemas/topics declares, on Kafka."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.bus.errors import BusError
from proofwatch.bus.kafka.topic_plan import Plan, Present, plan
from proofwatch.command_line.options import add_bootstrap
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.events.partitions import InvalidPartitions, load_counts, sized
from proofwatch.events.topics import Manifest, TimestampType, TopicSpec, kafka_specs, load_manifests
from proofwatch.runtime.settings import Settings

if TYPE_CHECKING:
    from proofwatch.bus.kafka.security import Security
    from proofwatch.bus.kafka.topic_admin import TopicAdmin

_IN_SYNC: Final = "min.insync.replicas"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = SubCommands(parser, _shared)
    actions.add("list", "show what is declared", "", show_declared)
    actions.add("plan", "show what apply and widen would do", "--partitions onboarding.transactions.v1=12", show_plan)
    actions.add("apply", "create what is missing", "--bootstrap 127.0.0.1:9092 --replication 3", apply)
    actions.add(
        "widen",
        "give the topics of transactions more partitions (docs/partitions.md)",
        "--partitions onboarding.transactions.v1=24",
        widen,
    )


def _shared(add: Add) -> None:
    add_bootstrap(add)
    add(
        "--timestamps",
        choices=("declared", "create-time"),
        default="declared",
        help="create-time keeps the records' own time, to replay an old log (%(default)s)",
    )
    add(
        "--replication",
        type=int,
        metavar="N",
        help=f"copies of each partition; default: the broker's. With 3 or more, {_IN_SYNC} is N - 1",
    )
    add(
        "--partitions",
        action="append",
        default=[],
        metavar="TOPIC=N",
        help="another count than the manifest's, for all topics that are co-partitioned; repeatable",
    )
    add("--partitions-file", type=Path, metavar="FILE", help="the same as YAML; default: PROOFWATCH_PARTITIONS_FILE")
    add("--alter", action="store_true", help="apply: change settings that are not as declared")


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when Kafka refuses, or services could not run on what is there; 2 when the call is wrong."""
    settings = Settings.read()
    try:
        manifests = sized(load_manifests(), _counts(args, settings))
    except InvalidPartitions as error:
        sys.stderr.write(f"proofwatch topics: {error}\n")
        return 2
    specs = [_replicated(spec, args.replication) for spec in kafka_specs(manifests, _timestamps(args))]
    try:
        return int(asyncio.run(args.act(args, Declared(settings, manifests, specs))))
    except BusError as error:
        sys.stderr.write(f"proofwatch topics: {error}\n")
        return 1


class Declared(NamedTuple):
    """What should be there."""

    settings: Settings
    manifests: dict[str, Manifest]
    specs: Sequence[TopicSpec]


class Compared(NamedTuple):
    """What is there, beside what should be, and what is to be done."""

    bootstrap: str
    security: "Security"
    admin: "TopicAdmin"
    present: dict[str, Present]
    todo: Plan


async def show_declared(_: argparse.Namespace, declared: Declared) -> int:
    """Write a line for each topic; Kafka is not asked."""
    _list(declared.specs)
    return 0


async def show_plan(args: argparse.Namespace, declared: Declared) -> int:
    """Write what is to be done."""
    async with _compared(args, declared) as found:
        _say(found.todo)
    return 0


async def widen(args: argparse.Namespace, declared: Declared) -> int:
    """Give the topics of transactions more partitions."""
    from services.operations.widen import widen_topics

    async with _compared(args, declared) as found:
        return await widen_topics(
            declared.settings, found.bootstrap, found.security, found.admin, declared.manifests, found.todo
        )


async def apply(args: argparse.Namespace, declared: Declared) -> int:
    """Create what is missing, and with --alter change settings; return 1 when services could not run on it."""
    from proofwatch.bus.kafka.topic_setup import ensure_topics

    async with _compared(args, declared) as found:
        todo = found.todo
        if args.alter and todo.settings:
            await found.admin.alter(todo.settings, found.present)
            for each in todo.settings:
                sys.stdout.write(f"changed: {each.topic}: {each.name} = {each.wanted}, was {each.now}\n")
            todo = todo._replace(settings=())
    copies = {} if args.replication is None else {"replication_factor": args.replication}
    ensured = await ensure_topics(found.bootstrap, todo.missing, **copies, security=found.security)
    sys.stdout.write(f"topics created: {', '.join(ensured.created) or 'none'}\n")
    _say(todo._replace(missing=()))
    uneven = list(_uneven(declared.manifests, found.present, todo))
    sys.stderr.writelines(f"proofwatch topics: {sentence}\n" for sentence in uneven)
    return 1 if uneven else 0


@asynccontextmanager
async def _compared(args: argparse.Namespace, declared: Declared) -> AsyncIterator[Compared]:
    # the driver belongs to the Kafka extra; listing works without it
    from proofwatch.bus.kafka.security import security_of
    from proofwatch.bus.kafka.topic_admin import topic_admin

    bootstrap = args.bootstrap or declared.settings.kafka_bootstrap
    security = security_of(declared.settings)
    async with topic_admin(bootstrap, security) as admin:
        present = await admin.present([spec.name for spec in declared.specs])
        yield Compared(bootstrap, security, admin, present, plan(declared.specs, present))


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
