"""How long tenants' contracts let transactions be kept, as governance has put it in force."""

from collections.abc import Mapping

from proofwatch.governance.follower import Follower, ReplicaBehind


class AgreedRetention:
    """`core.retention.Agreed`, by what a follower has read."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def __call__(self, log_ms: int) -> Mapping[str, int] | None:
        """Return the days by tenant that are in force at a log time; None: a contract may say more than is known."""
        try:
            self._follower.require(log_ms)
        except ReplicaBehind:
            return None
        tenants = self._follower.replica.at(log_ms).tenants
        days = {name: each.keep_transactions_days for name, each in tenants.items()}
        return {name: each for name, each in days.items() if each is not None}
