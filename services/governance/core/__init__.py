"""What the commands compute, without bus or clock."""
