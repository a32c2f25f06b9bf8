"""The bus of standalone mode: in this process, with the promises of the one on Kafka."""
