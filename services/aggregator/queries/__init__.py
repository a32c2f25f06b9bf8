"""Commands that read what was counted: `rates`, `windows`, `handsets`, `what-if`, `accepted-attacks` ….

They change nothing of it.
"""
