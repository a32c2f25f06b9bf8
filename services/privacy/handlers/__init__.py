"""An erasure at work: its steps one after the other, each once or again."""
