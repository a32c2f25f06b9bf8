"""Commands for operators: topics, tables, rights, dead letters, backup and restore, health, and running a service."""
