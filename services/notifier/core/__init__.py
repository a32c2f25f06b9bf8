"""Pure notification logic: no clock, no IO, no bus."""
