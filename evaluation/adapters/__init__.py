"""Where the evaluation meets file formats."""
