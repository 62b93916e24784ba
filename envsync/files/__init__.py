"""Files: written whole or not at all, kept private until then, and read without trust."""

from envsync.files.failure import cannot_write, check_parent
from envsync.files.locking import lock_directory
from envsync.files.reading import open_regular, read_regular
from envsync.files.removal import remove_tree
from envsync.files.writing import (
    exchange,
    make_aside,
    make_lasting_aside,
    make_temporary,
    remove_left_over,
    write_atomically,
)

__all__ = [
    "cannot_write",
    "check_parent",
    "exchange",
    "lock_directory",
    "make_aside",
    "make_lasting_aside",
    "make_temporary",
    "open_regular",
    "read_regular",
    "remove_left_over",
    "remove_tree",
    "write_atomically",
]
