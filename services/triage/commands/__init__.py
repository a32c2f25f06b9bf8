"""Commands of people who work on cases."""
