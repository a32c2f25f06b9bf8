"""`proofwatch imagery`."""
