"""The console script: runs the command that is named first; its module is imported only then."""

import argparse
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from types import ModuleType
from typing import Final

from proofwatch.command_line.exit_codes import INTERRUPTED
from proofwatch.runtime.streams import printable_streams
from services.commands import COMMANDS

_LONE: Final = re.compile("[\ud800-\udfff]")
_SERVICES: Final = ("run",)
"""What has a log; every other command says itself what went wrong, in one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sub-command named first; return the exit code. Whatever it writes is printable."""
    with printable_streams():
        try:
            return _main(argv)
        except Exception:  # noqa: BLE001 — a bug; it is told here because its message too may hold anything
            sys.excepthook(*sys.exc_info())
            return 1


def _main(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help"):
        sys.stdout.write(_overview())
        return 0
    if name in ("-V", "--version"):
        from importlib.metadata import version  # dear, and `proofwatch health` is called every few seconds

        sys.stdout.write(f"proofwatch {version('proofwatch')}\n")
        return 0
    command = COMMANDS.get(name)
    if command is None:
        sys.stderr.write(f"proofwatch: there is no command {name!r}; `proofwatch --help` lists them\n")
        return 2
    try:
        module = import_module(command.module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("services", "proofwatch"):
            raise
        sys.stderr.write(
            f"proofwatch {name}: {error.name} is not installed; try: pip install 'proofwatch[{command.extra}]'\n"
        )
        return 2
    parser = parser_of(name, module)
    parsed = parser.parse_args(arguments[1:])
    if wrong := _no_text(parsed):
        parser.error(wrong)
    with nullcontext() if name in _SERVICES else silent_clients():
        try:
            code: int = module.run(parsed)
        except KeyboardInterrupt:  # a command that can say how far it had come does so itself
            sys.stderr.write(f"proofwatch {name}: interrupted\n")
            return INTERRUPTED
    return code


def _no_text(parsed: argparse.Namespace) -> str:
    """Return which argument no process can store or send, being no UTF-8; empty: none. Paths may be anything."""
    for name, value in vars(parsed).items():
        given = value if isinstance(value, list) else [value]
        if any(isinstance(each, str) and _LONE.search(each) for each in given):
            return f"argument {name.upper()}: is no text in UTF-8; type it anew"
    return ""


def parser_of(name: str, module: ModuleType) -> argparse.ArgumentParser:
    """Return the parser of a command, whose help ends with its example."""
    command = COMMANDS[name]
    parser = argparse.ArgumentParser(
        prog=f"proofwatch {name}",
        description=command.summary[0].upper() + command.summary[1:] + ".",
        epilog=f"example:\n  {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return parser


@contextmanager
def silent_clients() -> Iterator[None]:
    """Keep what the Kafka client logs from standard error; it would stand before our sentence and say less."""
    client = logging.getLogger("aiokafka")
    nowhere, before = logging.NullHandler(), client.propagate
    client.addHandler(nowhere)
    client.propagate = False
    try:
        yield
    finally:
        client.propagate = before
        client.removeHandler(nowhere)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: proofwatch COMMAND [options]    proofwatch --version",
            "",
            "Watches remote identity proofing (face match and liveness) while it runs.",
            "",
            "commands:",
            *lines,
            "",
            "`proofwatch COMMAND --help` explains one. Start with: proofwatch demo",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
