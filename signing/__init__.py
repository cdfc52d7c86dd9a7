"""Who signed which bytes, and is it valid: the experts' cloud keys, their certificates, the signed report."""
