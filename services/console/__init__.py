"""The console: what people of a SOC work at, in a browser. It mounts the services' own APIs and adds pages to them."""
