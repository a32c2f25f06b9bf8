"""Check the contracts of this checkout."""

import sys

from proofwatch import resources
from proofwatch.events.meta import findings

found = findings(resources.schemas())
for finding in found:
    print(finding, file=sys.stderr)  # noqa: T201 — a command's output
sys.exit(1 if found else 0)
