"""`proofwatch backtest`: what another policy would have decided about traffic that has been.

* `arrivals` - a transaction as it comes out of a source, and the truth about it
* `player`   - one policy playing the log: its attempts, its duplicates, the product's own decision
* `tally`    - what two players said about the same transactions, counted by cohort
* `changes`  - the counts as figures: rates before and after, paired differences, tests
* `result`   - the whole result, which is `backtest.json`
* `files`, `topic`, `ledger` - the sources
* `text`, `page`, `plots`    - the result for people
"""
