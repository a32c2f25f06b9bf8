"""The services: scorer, devices, aggregator, triage, notifier, consents, auditor, imagery, privacy and console.

They are thirteen processes.
Beside them the commands of operators (`operations`) and of governance, and `standalone`, which runs all eight stages
in one.
"""
