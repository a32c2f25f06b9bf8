"""Pure parts of standalone mode: what a run has shown so far."""
