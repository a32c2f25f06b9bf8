"""What people state on a command line and what stays on record: who they are, why, and about which tenant.

Each is the `type` of an option, so what cannot stay is refused before anything is opened.
"""

import argparse
import re
from typing import Final

from proofwatch.access.reasons import LONGEST_NAME, LONGEST_REASON, unfit
from proofwatch.command_line.sub_commands import Add
from proofwatch.governance.scope import TENANT

_TENANT: Final = re.compile(TENANT)


def add_reason(add: Add, why: str = "why; it stays in the audit log") -> None:
    """Declare `--reason`, which an act of somebody needs; `add`: a parser's `add_argument`, `why`: its help."""
    add("--reason", type=reason, required=True, metavar="TEXT", help=why)


def name(text: str) -> str:
    """Return a name that somebody states. Raises `ArgumentTypeError`."""
    return _fit(text, LONGEST_NAME)


def reason(text: str) -> str:
    """Return a reason. Raises `ArgumentTypeError`."""
    return _fit(text, LONGEST_REASON)


def tenant(text: str) -> str:
    """Return the name of a tenant. Raises `ArgumentTypeError`."""
    if not _TENANT.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is no tenant; right are lower-case letters, digits and hyphens, at most 63 in all"
        )
    return text


def _fit(text: str, longest: int) -> str:
    found = text.strip()
    if wrong := unfit(found, longest):
        raise argparse.ArgumentTypeError(wrong)
    return found
