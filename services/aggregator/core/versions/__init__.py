"""New versions of matcher, PAD, SDK and policy: found by their traffic, and compared with what ran before and beside.

`part` is what is counted of a slice, `sums` adds it up by hour, `change` tells two sums apart, `comparison` is one new
version beside the old ones, `memory` what is known of a tenant's versions, `tenant` how late data restate it, `told`
what is published.
"""
