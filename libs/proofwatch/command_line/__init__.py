"""What the commands of `proofwatch` share: sub-commands with examples, options, times."""
