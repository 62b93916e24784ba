"""A small conda channel, made on the spot, that stands in for conda-forge."""

from __future__ import annotations

from channel.build import NOTICE, Channel, build_channel, default_cache
from channel.server import CONDA_FORGE, Served, serve

__all__ = [
    "CONDA_FORGE",
    "NOTICE",
    "Channel",
    "Served",
    "build_channel",
    "default_cache",
    "serve",
]
