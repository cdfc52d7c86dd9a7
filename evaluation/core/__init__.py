"""The rules of a bid evaluation: no venue, no clock, no input or output."""
