"""`proofwatch explain`: one verdict, re-computed from its event and basis and shown rule by rule.

* `reproduce` - what the verdict should be, and where the published one differs. Pure
* `search`    - finds verdict, event and policy on the bus
* `offline`   - finds them in files
* `show`      - the explanation as tables and as JSON
"""
