"""`proofwatch schemas`: the events' schemas in a schema registry."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from proofwatch import resources
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.events.registry_subjects import Subject, subjects
from proofwatch.events.schema_registry import COMPATIBILITY, Incompatible, Registry
from proofwatch.events.wire_errors import RegistryUnavailable
from proofwatch.runtime.settings import Settings

_Act = Callable[[Registry, Subject], Awaitable[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = SubCommands(parser, _shared)
    actions.add("register", "register what is new", "--registry http://127.0.0.1:8080/apis/ccompat/v7", _register)
    actions.add("check", "ask whether the registry would take what is new", "--format avro", _check)


def _shared(add: Add) -> None:
    add("--registry", metavar="URL", help="its API; default: PROOFWATCH_SCHEMA_REGISTRY_URL")
    add("--format", choices=("json", "avro"), help="which schemas; default: PROOFWATCH_WIRE_FORMAT")


def run(args: argparse.Namespace) -> int:
    """Print a line for each subject; return 1 when the registry refuses a schema or does not answer, else 0.

    Every subject is held to BACKWARD_TRANSITIVE, whatever the registry's default is.
    """
    settings = Settings.read()
    url = args.registry or settings.schema_registry_url
    if url is None:
        sys.stderr.write("proofwatch schemas: which registry? say --registry URL or PROOFWATCH_SCHEMA_REGISTRY_URL\n")
        return 2
    wanted = subjects(resources.schemas(), args.format or settings.wire_format)
    try:
        return asyncio.run(_each(url, wanted, args.act))
    except RegistryUnavailable as error:
        sys.stderr.write(f"proofwatch schemas: {error}\n")
        return 1


async def _each(url: str, wanted: list[Subject], act: _Act) -> int:
    registry, refused = Registry(url), 0
    width = max(len(subject.name) for subject in wanted)
    try:
        for subject in wanted:
            try:
                said = await act(registry, subject)
            except Incompatible as error:
                refused += 1
                said = f"refused, not {COMPATIBILITY}: {error}"
            sys.stdout.write(f"{subject.name:{width}}  {said}\n")
    finally:
        await registry.close()
    return 1 if refused else 0


async def _register(registry: Registry, subject: Subject) -> str:
    return f"id {await registry.register(subject)}"


async def _check(registry: Registry, subject: Subject) -> str:
    if (known := await registry.lookup(subject)) is not None:
        return f"registered, id {known}"
    compatible = await registry.compatible(subject)
    if compatible is False:
        raise Incompatible("keep what was there, add optional fields only, or begin a new version of the event")
    return "new" if compatible is None else "compatible, not registered yet"
