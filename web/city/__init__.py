"""The city node's doors: witness and holder routes."""
