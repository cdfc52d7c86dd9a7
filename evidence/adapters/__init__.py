"""Where the log, the vault and the witnesses really live."""
