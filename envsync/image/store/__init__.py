"""Layers, and what is kept of them between builds."""
