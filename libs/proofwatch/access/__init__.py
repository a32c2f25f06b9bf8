"""People, their roles and their sessions: who may ask for what. Deny is the default everywhere.

Pure but for the modules that speak to PostgreSQL (`postgres`, `register`, `attempts`).
"""
