"""Container registries, over the OCI distribution protocol."""

from envsync.adapters.registry.image_source import ImageNotFoundError, RegistrySource
from envsync.adapters.registry.push import Pushed, push

__all__ = ["ImageNotFoundError", "Pushed", "RegistrySource", "push"]
