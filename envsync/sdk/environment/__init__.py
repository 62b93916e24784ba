"""Environments in the Azure ML SDK's words."""
