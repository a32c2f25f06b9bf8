"""Commands for operators: run a service, create topics and tables, ask for health."""
