"""Detection on its own."""
