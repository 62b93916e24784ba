"""YAML text to nodes that know their places, and plain values to YAML text."""

from envsync.yamlio.node import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    is_null,
    node_from,
    normalise_line_ends,
    plain_value,
)
from envsync.yamlio.reader import Limits, parse_yaml
from envsync.yamlio.writer import dump_yaml, rewrite_yaml

__all__ = [
    "Limits",
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "dump_yaml",
    "is_null",
    "node_from",
    "normalise_line_ends",
    "parse_yaml",
    "plain_value",
    "rewrite_yaml",
]
