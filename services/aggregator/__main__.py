"""`python -m services.aggregator NAME`: the same as `proofwatch run NAME` for combine, windows and ledger."""

import sys

from services.cli import main

sys.exit(main(["run", *sys.argv[1:]]))
