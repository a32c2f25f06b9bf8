"""Data keys of data subjects, what is sealed under them, marks of who was erased, and when everything has forgotten.

Pure but for the module that speaks to PostgreSQL (`postgres_keys`) and the one that reads a file (`key_file`).
"""
