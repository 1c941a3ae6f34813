"""The schema of every job's settings, and the loader that fills it."""
