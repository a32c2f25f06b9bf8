"""The bus on Kafka: connections, groups, transactions, and the topics themselves."""
