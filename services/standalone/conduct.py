"""What `demo` and `replay` do with a run: carry it out, and say in a sentence why it did not come to its end."""

import sys
from typing import Any

import uvloop

from proofwatch.bus.errors import BusUnavailable
from proofwatch.command_line.exit_codes import INTERRUPTED
from proofwatch.plain import one_line
from proofwatch.runtime.terminal import Terminal
from services.standalone.closing import closing_lines
from services.standalone.progress import Progress
from services.standalone.results import Unwritable
from services.standalone.runner import Run, carry_out
from services.standalone.stopping import Stopping


def conducted(command: str, run: Run) -> dict[str, Any] | int:
    """Return the summary of a run, or the exit code of one that did not come to its end.

    2: it cannot be carried out; 130: it was interrupted, and what it found so far is written and told, as such. What
    there is to say about it is on standard error.
    """
    progress = Progress(command, run.out, run.total, run.calendar.zone)
    stopping = Stopping(command)
    try:
        summary = uvloop.run(carry_out(run, progress, stopping))
    except (Unwritable, BusUnavailable) as error:
        sys.stderr.write(f"proofwatch {command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(progress.interrupted())
        return INTERRUPTED
    if not stopping.asked:
        return summary
    Terminal().print(closing_lines(summary, run.out))
    sys.stderr.write(f"proofwatch {command}: {_told(summary, run)}\n")
    return INTERRUPTED


def _told(summary: dict[str, Any], run: Run) -> str:
    """Return what the folder of an interrupted run has."""
    out = one_line(str(run.out))
    if partial := summary["interrupted"]:
        return f"{partial['said']}: {out} has what was found up to {partial['up_to']}, and nothing of what came after"
    return f"interrupted when everything was in: {out} has the results of the whole run"
