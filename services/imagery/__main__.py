"""`python -m services.imagery`: the broker on Kafka."""

from proofwatch.runtime.process import run_process
from services.imagery.app import Settings, connect

if __name__ == "__main__":
    raise SystemExit(run_process("imagery", Settings, connect))
