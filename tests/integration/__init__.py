"""Adapters and components against real Kafka, PostgreSQL and Redis."""
