"""`python -m web.server` is `tongping`: how the supervisor starts its siblings, whatever the path says."""

from web.server.cli import app

app(prog_name="tongping")
