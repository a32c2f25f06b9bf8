"""What the scorer remembers of one partition beside its subjects' states: duplicates, proofs, step-ups.

All of it can be recalled from the log (`handlers.recall`): one horizon of the transactions before the lane's position,
and the compacted step-ups topic.
"""

from proofwatch.bus.records import Batch
from proofwatch.detection.velocity import Proofs
from services.scorer.core.duplicates import Recent
from services.scorer.core.effective_policies import EffectivePolicies
from services.scorer.core.step_up import Expiring


class PartitionMemory:
    """The memory of one partition: what it holds at `position`, and the batch that was begun there, up to `after`."""

    __slots__ = ("after", "duplicates_ms", "expiring", "partition", "position", "proofs", "recent", "velocity_ms")

    def __init__(self, partition: int, position: int, duplicates_ms: int, velocity_ms: int) -> None:
        """`duplicates_ms`, `velocity_ms`: how much log time to hold."""
        self.partition, self.position, self.after = partition, position, position
        self.duplicates_ms, self.velocity_ms = duplicates_ms, velocity_ms
        self.recent, self.proofs, self.expiring = Recent(duplicates_ms), Proofs(velocity_ms), Expiring()

    def reaches(self, policies: EffectivePolicies) -> bool:
        """Return whether the memory is long enough for `policies`."""
        return self.duplicates_ms >= policies.duplicates_ms and self.velocity_ms >= policies.velocity_ms

    def good_at(self, position: int) -> bool:
        """Return whether a lane may go on at `position`: before or behind the last batch. Step-ups are told anew."""
        return position in (self.position, self.after)

    def begin(self, batch: Batch, first_ms: int) -> None:
        """Begin a batch, or begin the last one anew: what was seen since is forgotten."""
        self.recent.begin(batch.position_before, first_ms)
        self.proofs.begin(batch.position_before, first_ms)
        self.expiring.begin(batch.position_before)
        self.position, self.after = batch.position_before, batch.position_after
