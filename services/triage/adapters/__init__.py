"""What triage needs from outside: PostgreSQL."""
