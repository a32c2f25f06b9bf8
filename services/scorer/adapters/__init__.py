"""Where attempt histories are kept."""
