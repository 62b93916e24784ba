"""Azure ML's own formats: v1 directories, v2 YAML, run configurations."""
