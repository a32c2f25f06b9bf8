"""The notifier: tells the right people about anomalies, escalations and platform alerts."""
