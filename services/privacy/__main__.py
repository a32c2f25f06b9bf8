"""`python -m services.privacy`: the same as `proofwatch run privacy`."""

import sys

from proofwatch.runtime.process import run_process
from services.privacy.app import Settings, connect

sys.exit(run_process("privacy", Settings, connect))
