"""Models and services in the Azure ML SDK's words."""
