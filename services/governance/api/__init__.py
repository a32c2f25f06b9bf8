"""What the console mounts of governance: policies, who signed them, for whom they are in force, and what differs."""
