"""The lockfile `conda-lock.yml`, read and held against a definition."""
