"""The Python face, in the Azure ML SDK's own words."""
