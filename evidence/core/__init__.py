"""Pure byte layouts and checks of the evidence log; no I/O, no clock, no randomness."""
