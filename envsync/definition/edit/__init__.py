"""Definitions changed where they lie: comments, order, quotes, indentation and line ends stay."""
