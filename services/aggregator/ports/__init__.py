"""What the stages need of a database, by process. Every method works within the transaction `tx` of its step.

The adapters are modules and classes of the names behind each port; `app.py` hands them to the stages.
"""
