"""What happened, unforgeable: entries, acts, the append-only log, its proofs. Imports no other package of ours."""
