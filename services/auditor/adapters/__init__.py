"""PostgreSQL, the append-only file, the topic, witnesses."""
