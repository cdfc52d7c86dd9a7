"""The JSON bodies of the routes (protocol.md section 6): closed objects, strict types."""
