"""Where the aggregator touches PostgreSQL and Faust."""
