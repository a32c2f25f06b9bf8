"""Exits: what leaves by a person's command, for which purpose, and the one door that it passes (ADR 0050).

* `table`    - every exit: its purpose, its categories, who may use it. Pure
* `standing` - what is in force with a tenant, by its governed settings
* `rights`   - who may, by role and tenant, as policy (Cedar)
* `asking`   - who asks and why, on a command line
* `door`     - judged, entered in the audit log, and only then read
"""
