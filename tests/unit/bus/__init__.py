"""The bus on its own."""
