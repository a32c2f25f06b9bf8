"""Dead letters: how a refused record is written, counted, and when there are too many."""
