"""The doors of the signing process: CSC 1.0.4.0 and registration."""
