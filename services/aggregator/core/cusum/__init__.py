"""Rates in real time: a grouped Bernoulli CUSUM of every rate of every tenant and segment value, both ways.

What it looks at are five-minute windows as they close (`core.closing`), once each: what late data adds to a closed one
is left to the days, like the hours of the baseline. Windows of a segment value that are too small to be published are
looked at all the same, since evidence adds up over windows; only what is published is held back.
"""
