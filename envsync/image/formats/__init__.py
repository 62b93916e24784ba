"""The formats of images: OCI and Docker."""
