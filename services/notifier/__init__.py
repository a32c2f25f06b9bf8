"""The notifier: tells the right people about incidents, escalations and platform alerts."""
