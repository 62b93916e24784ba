"""Container registries, over the OCI distribution protocol."""

from envsync.adapters.registry.image_source import RegistrySource
from envsync.adapters.registry.push import Pushed, push

__all__ = ["Pushed", "RegistrySource", "push"]
