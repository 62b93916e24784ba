"""pip requirements through uv: lock them for another machine, install them into a prefix."""

from envsync.adapters.uv.index_files import UvIndex
from envsync.adapters.uv.installer import UvInstaller, UvUnpacker
from envsync.adapters.uv.origin import PipOrigin
from envsync.adapters.uv.program import find_target
from envsync.adapters.uv.solver import UvSolver

__all__ = ["PipOrigin", "UvIndex", "UvInstaller", "UvSolver", "UvUnpacker", "find_target"]
