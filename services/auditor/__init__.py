"""The auditor: gives entries their places in the log, signs what the log has become, and lets it leave the house."""
