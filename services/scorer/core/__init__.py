"""Pure decisions of the scorer: no clock, no IO, no bus."""
