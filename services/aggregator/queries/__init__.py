"""Commands that read what was counted: `rates`, `windows`, `handsets`, `what-if`. They write nothing."""
