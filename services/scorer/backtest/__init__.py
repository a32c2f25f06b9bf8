"""`proofwatch backtest`: what another policy would have decided about traffic that has been.

* `arrivals` - a transaction as it comes out of a source, and the truth about it
* `player`   - one policy playing the log: its attempts, its duplicates, its ruling by the product's own rules
* `tally`    - what two players ruled about the same transactions, counted by cohort
* `changes`  - the counts as figures: rates before and after, paired differences, tests
* `result`   - the whole result, which is `backtest.json`
* `files`, `topic`, `ledger` - the sources
* `text`, `page`, `plots`    - the result for people
"""
