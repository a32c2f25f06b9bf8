"""The report page of a standalone run: one HTML file that needs nothing else."""
