"""Stand-ins for the Azure ML modules that entry scripts import."""
