"""The whole system from event to verdict, window, case and notification."""
