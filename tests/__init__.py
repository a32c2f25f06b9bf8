"""Tests: unit (pure, no sockets), contract and integration (real components), e2e, faults, benchmarks."""
