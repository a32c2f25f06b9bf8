"""The scorer on real components while its processes, Redis and the broker are killed and frozen."""
