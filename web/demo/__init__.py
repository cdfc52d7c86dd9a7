"""One whole proceeding on one machine: a made-up tender, actors at every seat, and the evidence that it leaves."""
