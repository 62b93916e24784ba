"""Connections, requests and responses as bytes."""
