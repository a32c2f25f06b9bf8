"""Where privacy reaches into PostgreSQL, Kafka, Redis and folders."""
