"""`python -m services.scorer`: the same as `proofwatch run scorer`."""

import sys

from proofwatch.runtime.process import run_process
from services.scorer.app import Settings, connect

sys.exit(run_process("scorer", Settings, connect))
