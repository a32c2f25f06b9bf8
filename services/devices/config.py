"""What devices needs to know to start: nothing beyond what every process does."""

from proofwatch.runtime.settings import Settings

__all__ = ["Settings"]
