"""The services: scorer, devices, aggregator, triage, notifier, auditor; nine processes (`operations/run.py`).

Beside them the commands of operators (`operations`) and of governance, and `standalone`, which runs all eight stages
in one.
"""
