"""The audit log: a Merkle tree that only grows, checkpoints under signatures, and proofs that strangers can check.

Pure: no clock, no database, no bus. Formats are those of C2SP (signed-note, tlog-checkpoint, tlog-cosignature,
tlog-witness, tlog-proof, tlog-policy); hashes are those of RFC 6962.
"""
