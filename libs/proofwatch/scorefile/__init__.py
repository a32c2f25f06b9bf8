"""What the cells of a score file mean: one reading for `evaluate`, `replay` and `backtest`.

* `mapping` - what a user says about a file: columns, scale, direction, spellings, times
* `times`, `scores`, `labels` - one cell each: what it says, or what is wrong with it
* `reader`  - one row: what it says, and why it is refused
* `blanks`  - what a blank score means, which only the other rows say
* `account` - what was refused, and what was read otherwise than it stands there, over a whole file
* `advice`  - what to change, in words
* `guess`   - drafts a mapping
"""
