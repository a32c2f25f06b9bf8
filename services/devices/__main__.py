"""`python -m services.devices`: the same as `proofwatch run devices`."""

import sys

from proofwatch.runtime.process import run_process
from services.devices.app import Settings, connect

sys.exit(run_process("devices", Settings, connect))
