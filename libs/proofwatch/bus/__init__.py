"""The bus: one port, two implementations (in-process and Kafka), and the lane that every stage runs on."""
