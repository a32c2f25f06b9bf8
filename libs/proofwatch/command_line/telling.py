"""What a command says while it works."""

import sys


def written(sentence: str) -> None:
    """Write a sentence to standard error, where it stands in nobody's data."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
