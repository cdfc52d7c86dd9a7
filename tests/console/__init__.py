"""The operator's console: what it offers, in which words, and in a real browser."""
