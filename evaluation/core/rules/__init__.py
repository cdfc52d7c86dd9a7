"""One file per legal regime."""
