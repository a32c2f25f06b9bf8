"""Settings of a standalone run: the services' own, with what a single process does not ask anybody for."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

# A run's database ends with the run, so its subject tags need not be secret; they must be the same in every run.
_TAG_SECRET: Final = b64encode(b"proofwatch standalone: tags that end with the run").decode()

SETTINGS: Final[Mapping[str, Any]] = {
    "live_progress": True,
    "idle_seconds": 1.0,
    "batch_max_records": 20_000,
    # one's own file is replayed to its end, however much of it is bad; the summary says how much
    "dead_letter_rate_cap": 0.0,
    "dead_letter_run_cap": 0,
    # the run's database ends with the run, whatever time the file spans
    "keep_minutes_days": 0,
    "keep_five_minutes_days": 0,
    "keep_notifications_days": 0,
    "keep_transactions_days": 0,
    "subject_tag_secret": _TAG_SECRET,
    "routes_file": None,
    # nobody works on cases while a file is replayed
    "case_due": "none",
    "case_hours": "",
    "case_turns": "",
    "case_days_off": "",
}
"""Given to every service's settings class, over whatever the environment says; each takes what it knows."""
