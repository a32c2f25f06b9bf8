"""One way for the sub-commands of a command: each has a summary, an example, and the function that does it."""

import argparse
from collections.abc import Callable
from typing import Any

Act = Callable[..., Any]
"""What does it; the command's own `run` knows with what it is called."""
Add = Callable[..., argparse.Action]
"""`ArgumentParser.add_argument`, or what stands for it."""


class SubCommands:
    """The sub-commands of one command. What was chosen is `args.act`, its name `args.action`."""

    def __init__(self, parser: argparse.ArgumentParser, shared: Callable[[Add], None] | None = None) -> None:
        """`shared` declares what all of them take; it may stand before the sub-command or behind it."""
        self._command = parser.prog
        self._shared = shared
        self._parsers = parser.add_subparsers(dest="action", required=True)
        if shared:
            shared(parser.add_argument)

    def add(self, name: str, summary: str, example: str, act: Act) -> argparse.ArgumentParser:
        """Add one; `example`: the arguments behind its name, as its help shows them. Return its parser."""
        parser: argparse.ArgumentParser = self._parsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"example:\n  {self._command} {name} {example}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(act=act)
        if self._shared:
            self._shared(_without_default(parser.add_argument))
        self._parsers.metavar = "|".join(self._parsers.choices)
        return parser


def _without_default(add: Add) -> Add:
    """Return an `add` whose options, when absent, leave what stands before the sub-command as it is."""

    def declare(*names: str, **how: Any) -> argparse.Action:
        option = add(*names, **how)
        option.help = (option.help or "").replace("%(default)s", str(option.default))
        option.default = argparse.SUPPRESS
        return option

    return declare


def add_dsn(add: Add) -> None:
    """Declare where the database is; `add`: a parser's `add_argument`."""
    add("--dsn", metavar="DSN", help="the database; default: PROOFWATCH_POSTGRES_DSN")
