"""Real Kafka, PostgreSQL and Redis for the tests: in Docker where it answers, native processes where not."""
