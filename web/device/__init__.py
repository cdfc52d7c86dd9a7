"""A seat as a program: what the browser's `src/crypto` does, for the demo, the tests and as its model."""
