"""conda through py-rattler: solve over repodata, install into a prefix."""

from envsync.adapters.rattler.configuration import load_config
from envsync.adapters.rattler.installer import RattlerInstaller
from envsync.adapters.rattler.network import find_network
from envsync.adapters.rattler.solver import RattlerSolver

__all__ = ["RattlerInstaller", "RattlerSolver", "find_network", "load_config"]
