"""Where accounts, nodes, pages and keys of the sessions really live."""
