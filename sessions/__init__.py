"""The meeting: venues, seats, roles, screens, incidents. The only package that knows evaluation, signing and media."""
