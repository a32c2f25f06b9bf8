"""What standalone mode needs from outside its process."""
