"""The models and web services of the Azure ML SDK."""
