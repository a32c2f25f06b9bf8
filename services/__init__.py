"""The services: scorer, devices, aggregator, triage and notifier, which are seven processes (`operations/run.py`).

Beside them the commands of operators (`operations`) and of governance, and `standalone`, which runs all seven processes
in one.
"""
