"""Run entry scripts."""
