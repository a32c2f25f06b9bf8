"""What an erasure is and does, in which order, and what stands of it in the audit log; where to look for somebody."""
