"""Pure rules of signing: credentials, certificate profile, authorisation bound to a hash, order, verdict."""
