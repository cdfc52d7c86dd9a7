"""Every door to the outside, and nothing else."""
