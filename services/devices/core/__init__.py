"""Pure device velocity: no clock, no IO, no bus."""
