"""The root of a proceeding: who may do what and when, folded from the log."""
