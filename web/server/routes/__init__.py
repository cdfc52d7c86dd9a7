"""The routes, thin: read, ask, answer."""
