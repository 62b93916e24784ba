"""The files of packages: their records, their owners, and checks of hostile content."""
