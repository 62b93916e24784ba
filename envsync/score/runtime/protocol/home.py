"""Where the runtime lies, and which frames of a traceback are its own."""

import os

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def is_own_frame(filename: str) -> bool:
    """Say whether *filename* is of the runtime, or of Python's import machinery."""
    return filename.startswith((FOLDER + os.sep, "<frozen importlib"))
