"""New versions, compared with what ran before and beside."""
