"""What `demo` and `replay` do with a run: carry it out, and say in a sentence why it did not come to its end."""

import sys
from typing import Any

import uvloop

from proofwatch.bus.errors import BusUnavailable
from proofwatch.command_line.exit_codes import INTERRUPTED
from services.standalone.progress import Progress
from services.standalone.results import Unwritable
from services.standalone.runner import Run, carry_out


def conducted(command: str, run: Run) -> dict[str, Any] | int:
    """Return the summary of a run, or the exit code of one that did not come to its end.

    2: it cannot be carried out; 130: it was interrupted. What there is to say about it is on standard error.
    """
    progress = Progress(command, run.out, run.total, run.calendar.zone)
    try:
        return uvloop.run(carry_out(run, progress))
    except (Unwritable, BusUnavailable) as error:
        sys.stderr.write(f"proofwatch {command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(progress.interrupted())
        return INTERRUPTED
