"""Pure logic; no sockets, no sleeps, no clock."""
