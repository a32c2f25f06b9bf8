"""`python -m services.console`: the same as `proofwatch run console`."""

import sys

from proofwatch.runtime.process import run_process
from services.console.app import Settings, connect

sys.exit(run_process("console", Settings, connect))
