"""What the product costs: `make bench`, or `python -m tests.benchmarks --help`. Measured, never asserted."""
