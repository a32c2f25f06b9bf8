"""The services: scorer, devices, aggregator, triage, notifier, consents, auditor, imagery, privacy; twelve processes.

Beside them the commands of operators (`operations`) and of governance, and `standalone`, which runs all eight stages
in one.
"""
