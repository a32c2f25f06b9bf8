"""`python -m services.triage`: the same as `proofwatch run triage`."""

import sys

from proofwatch.runtime.process import run_process
from services.triage.app import Settings, connect

sys.exit(run_process("triage", Settings, connect))
