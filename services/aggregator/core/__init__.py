"""Pure: no clock, no IO, no bus."""
