"""`python -m services.notifier`: the same as `proofwatch run notifier`."""

import sys

from proofwatch.runtime.process import run_process
from services.notifier.app import Settings, connect

sys.exit(run_process("notifier", Settings, connect))
