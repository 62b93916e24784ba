"""The keys of `azureml_environment.json`, in the order in which azureml-core 1.61 writes them."""

from __future__ import annotations

from envsync.definition.reading.fields import Anything, Flag, ListOf, MapOfText, Object, Text

_TEXT = Text()
_LIBRARY = Object({"package": _TEXT, "repo": Text("")}, keeps_unknown=True)
_FILE_LIBRARY = Object({"library": _TEXT}, keeps_unknown=True)

SPARK = Object(
    {
        "repositories": ListOf(_TEXT),
        "packages": ListOf(
            Object({"group": _TEXT, "artifact": _TEXT, "version": _TEXT}, keeps_unknown=True)
        ),
        "precachePackages": Flag(default=True),
    },
    keeps_unknown=True,
)
DATABRICKS = Object(
    {
        "mavenLibraries": ListOf(
            Object(
                {"coordinates": _TEXT, "repo": Text(""), "exclusions": ListOf(_TEXT)},
                keeps_unknown=True,
            )
        ),
        "pypiLibraries": ListOf(_LIBRARY),
        "rcranLibraries": ListOf(_LIBRARY),
        "jarLibraries": ListOf(_FILE_LIBRARY),
        "eggLibraries": ListOf(_FILE_LIBRARY),
        "cluster": Anything(),
    },
    keeps_unknown=True,
    hidden=("cluster",),
)
R = Object(
    {
        "rVersion": _TEXT,
        "userManaged": Flag(),
        "rscriptPath": _TEXT,
        "snapshotDate": _TEXT,
        "cranPackages": ListOf(
            Object({"name": _TEXT, "version": _TEXT, "repository": _TEXT}, keeps_unknown=True),
            is_nullable=True,
        ),
        "githubPackages": ListOf(
            Object({"repository": _TEXT, "authToken": _TEXT}, keeps_unknown=True), is_nullable=True
        ),
        "customUrlPackages": ListOf(_TEXT, is_nullable=True),
        "bioconductorPackages": ListOf(_TEXT, is_nullable=True),
    },
    is_nullable=True,
    keeps_unknown=True,
)
ENVIRONMENT = Object(
    {
        "name": _TEXT,
        "version": _TEXT,
        "environmentVariables": MapOfText(),
        "python": Object(
            {
                "userManagedDependencies": Flag(),
                "interpreterPath": Text("python", is_nullable=False),
                "condaDependenciesFile": _TEXT,
                "baseCondaEnvironment": _TEXT,
                "condaDependencies": Anything(),
            }
        ),
        "docker": Object(
            {
                "enabled": Flag(),
                "baseImage": _TEXT,
                "baseDockerfile": _TEXT,
                "buildContext": Object(
                    {
                        "locationType": Text(
                            "git", is_nullable=False, choices=("git", "storageAccount")
                        ),
                        "location": _TEXT,
                        "dockerfilePath": Text("Dockerfile"),
                    },
                    is_nullable=True,
                    required=("locationType",),
                ),
                "sharedVolumes": Flag(default=True),
                "shmSize": _TEXT,
                "arguments": ListOf(Text("", is_nullable=False)),
                "baseImageRegistry": Object(
                    {
                        "address": _TEXT,
                        "username": _TEXT,
                        "password": _TEXT,
                        "registryIdentity": Object(
                            {"resourceId": _TEXT, "clientId": _TEXT}, is_nullable=True
                        ),
                    }
                ),
                "platform": Object(
                    {
                        "os": Text("Linux", is_nullable=False),
                        "architecture": Text("amd64", is_nullable=False),
                    }
                ),
            },
            obsolete=("gpuSupport",),  # written by SDK 1.0.57, read by none since
        ),
        "spark": SPARK,
        "databricks": DATABRICKS,
        "r": R,
        "inferencingStackVersion": Text(choices=("latest",)),
        "assetId": _TEXT,
    }
)
