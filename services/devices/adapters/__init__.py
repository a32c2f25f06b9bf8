"""What devices gets from outside: policies."""
