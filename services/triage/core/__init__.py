"""Pure case logic: no clock, no IO, no bus."""
