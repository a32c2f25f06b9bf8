"""What the console mounts of the aggregator: figures of a tenant, over HTTP."""
