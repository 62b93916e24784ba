"""Lock Azure ML environment definitions and run their models on your own machine."""

__version__ = "0.1.0"
