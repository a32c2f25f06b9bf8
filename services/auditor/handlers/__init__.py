"""What the auditor does: gives entries their places and signs; asks witnesses; enters what others did on Kafka."""
