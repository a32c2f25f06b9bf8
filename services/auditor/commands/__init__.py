"""`proofwatch audit`: keys, exports, proofs, verification, a witness."""
