"""A partner city's own system as a program: nothing but the partner API, its city's node, and its own files."""
