"""What devices needs to know to start: what every governed process does."""

from proofwatch.governance.settings import GovernanceSettings as Settings

__all__ = ["Settings"]
