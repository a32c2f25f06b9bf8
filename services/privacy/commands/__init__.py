"""`proofwatch erase`, `hold`, `keys` and `privacy`."""
