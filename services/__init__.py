"""The services: scorer, devices, aggregator, triage and notifier, which are eight processes (`operations/run.py`).

Beside them the commands of operators (`operations`) and of governance, and `standalone`, which runs all eight processes
in one.
"""
