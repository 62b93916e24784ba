"""conda's formats: environment files, and prefixes as their records have them."""
