"""What the console mounts of the auditor: the log, searched, shown and verified over HTTP."""
