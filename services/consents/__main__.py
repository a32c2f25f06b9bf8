"""`python -m services.consents`: the same as `proofwatch run consents`."""

import sys

from proofwatch.runtime.process import run_process
from services.consents.app import Settings, connect

sys.exit(run_process("consents", Settings, connect))
