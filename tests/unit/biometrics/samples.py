"""Strategies shared by the property tests: scores with many ties, thresholds, edge sets."""

from hypothesis import settings
from hypothesis import strategies as st

# Ties and edge hits are where off-by-one errors live, so most scores come from a coarse grid.
coarse_scores = st.integers(0, 40).map(lambda i: i / 40)
scores = st.one_of(coarse_scores, st.floats(0, 1))
some_scores = st.lists(scores, min_size=1, max_size=40)
any_scores = st.lists(scores, max_size=40)
thresholds = st.lists(scores, max_size=4)

# The machine may be busy: an example that takes long is no failure.
many_examples = settings(deadline=None, max_examples=150)
