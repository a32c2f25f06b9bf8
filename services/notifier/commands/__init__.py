"""Commands of people who are told of things: `proofwatch notify`."""
