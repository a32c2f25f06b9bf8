"""Cases over HTTP: what `services/console` mounts. No logic of its own; what is refused is refused by the desk."""
