"""What data subjects consent to: which of their words is in force, by subject tag and purpose."""
