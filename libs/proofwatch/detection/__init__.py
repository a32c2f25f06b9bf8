"""What makes a transaction suspicious, as far as more than one service looks for it. Pure: no clock, no IO, no bus."""
