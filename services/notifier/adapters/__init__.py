"""What the notifier needs from outside: PostgreSQL, webhooks, the log."""
