"""How people are reached. A new kind of channel is a module here and a line in `registry.py`."""
