"""The lane on a real broker while its processes are killed, frozen and scaled."""
