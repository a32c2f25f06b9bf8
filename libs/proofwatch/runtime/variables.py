"""Which variables there are: what `.env.example` documents, and nothing else that begins with PROOFWATCH_."""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from proofwatch import resources

PREFIX: Final = "PROOFWATCH_"
TESTS: Final = "PROOFWATCH_TEST_"
_DOCUMENTED: Final = re.compile(r"^#?(PROOFWATCH_\w+)=", re.MULTILINE)


@cache
def documented() -> frozenset[str]:
    """Return the variables of every service and command; lint holds the file against the settings classes."""
    return frozenset(_DOCUMENTED.findall(resources.env_example().read_text(encoding="utf-8")))


def unknown(environment: Mapping[str, str], also: Iterable[str] = ()) -> list[str]:
    """Return a sentence for every variable that nothing reads, naming the nearest that something does.

    `also`: further names that count as known. A variable that is set to nothing is unset, and so no mistake.
    """
    known = documented().union(also)
    findings = []
    for name in sorted(environment):
        upper = name.upper()
        ours = upper.startswith(PREFIX) and not upper.startswith(TESTS)
        if ours and upper not in known and environment[name]:
            near = difflib.get_close_matches(upper, sorted(known), 1, 0.0)
            findings.append(f"{name}: there is no such setting; the nearest is {near[0]} (.env.example lists all)")
    return findings
