"""How images are stored and described: OCI and Docker."""
