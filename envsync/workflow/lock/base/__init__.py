"""The base image of a lock."""
