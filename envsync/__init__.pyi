from envsync.sdk import *  # noqa: F403  # what the module hands on

__version__: str
