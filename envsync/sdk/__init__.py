"""The Python API, with the names of the Azure ML SDK."""

from envsync.errors import DefinitionError, EnvsyncError, StaleLockError, UnsatisfiableError
from envsync.model.image import Image
from envsync.remedy import use_words
from envsync.sdk.command import CheckResult
from envsync.sdk.environment.conda_dependencies import CondaDependencies
from envsync.sdk.environment.environment import Environment
from envsync.sdk.environment.libraries import (
    DatabricksSection,
    EggLibrary,
    JarLibrary,
    MavenLibrary,
    PyPiLibrary,
    RCranLibrary,
    RCranPackage,
    RGitHubPackage,
    RSection,
    SparkPackage,
    SparkSection,
)
from envsync.sdk.environment.sections import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    ContainerRegistry,
    DockerBuildContext,
    DockerImagePlatform,
    DockerSection,
    PythonSection,
    RegistryIdentity,
)
from envsync.sdk.remedies import word_remedy
from envsync.sdk.service.inference_config import InferenceConfig
from envsync.sdk.service.model import Model
from envsync.sdk.service.scoring import ScoringError
from envsync.sdk.service.webservice import LocalWebservice, Webservice
from envsync.workflow.environment.build import BuildOutcome
from envsync.workflow.lock.options import LockOptions, LockOutcome

use_words(word_remedy)

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "BuildOutcome",
    "CheckResult",
    "CondaDependencies",
    "ContainerRegistry",
    "DatabricksSection",
    "DefinitionError",
    "DockerBuildContext",
    "DockerImagePlatform",
    "DockerSection",
    "EggLibrary",
    "Environment",
    "EnvsyncError",
    "Image",
    "InferenceConfig",
    "JarLibrary",
    "LocalWebservice",
    "LockOptions",
    "LockOutcome",
    "MavenLibrary",
    "Model",
    "PyPiLibrary",
    "PythonSection",
    "RCranLibrary",
    "RCranPackage",
    "RGitHubPackage",
    "RSection",
    "RegistryIdentity",
    "ScoringError",
    "SparkPackage",
    "SparkSection",
    "StaleLockError",
    "UnsatisfiableError",
    "Webservice",
]
