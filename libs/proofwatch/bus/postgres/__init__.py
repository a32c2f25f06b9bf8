"""The PostgreSQL fence, outboxes, and the sessions that both run on."""
