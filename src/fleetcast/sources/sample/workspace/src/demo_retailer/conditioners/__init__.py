"""One module for each kind of raw file: rows in, tables out, nothing else."""
