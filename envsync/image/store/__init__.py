"""Layers, and what is cached of them between builds."""
