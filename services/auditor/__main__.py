"""`python -m services.auditor`: the same as `proofwatch run auditor`."""

import sys

from proofwatch.runtime.process import run_process
from services.auditor.app import Settings, connect

sys.exit(run_process("auditor", Settings, connect))
