"""Where pictures come from, and the process in which they are decoded."""
