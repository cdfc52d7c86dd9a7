"""The main server: HTTP routes, the live socket, the page, and the wiring of all processes."""
