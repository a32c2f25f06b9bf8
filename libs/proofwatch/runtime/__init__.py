"""What every process needs around its core: clock, settings, logging, health, lifecycle."""
