"""New versions of matcher, PAD, SDK and policy: found by their traffic, and compared with what ran before and beside.

`part` is what is counted of a slice, `sums` adds it up by hour, `spelling` knows one version under several names. What
two sums say (`reading`) is told by `change`: of `rates`, which `people` may explain, scores and durations. `comparison`
is one new version beside the old ones (`state`, with its `beginnings` and `ends`), `memory` what is known of a tenant's
versions, `tenant` how late data restate it, `told` what is published.
"""
