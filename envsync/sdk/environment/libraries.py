"""The Spark, Databricks and R sections, which envsync keeps but does not use."""

from __future__ import annotations

from dataclasses import dataclass, field

from envsync.sdk.environment.document import OF, Section


@dataclass(slots=True)
class SparkPackage(Section):
    """A package by its Maven coordinates."""

    group: str | None = None
    artifact: str | None = None
    version: str | None = None


@dataclass(slots=True)
class SparkSection(Section):
    """The Spark settings of an environment."""

    repositories: list[str] = field(default_factory=list, repr=False)
    packages: list[SparkPackage] = field(default_factory=list, metadata={OF: SparkPackage})
    precache_packages: bool = True


@dataclass(slots=True)
class MavenLibrary(Section):
    """A Maven library for Databricks."""

    coordinates: str | None = None
    repo: str | None = field(default="", repr=False)
    exclusions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class PyPiLibrary(Section):
    """A Python package for Databricks."""

    package: str | None = None
    repo: str | None = field(default="", repr=False)


@dataclass(slots=True)
class RCranLibrary(Section):
    """An R package for Databricks."""

    package: str | None = None
    repo: str | None = field(default="", repr=False)


@dataclass(slots=True)
class JarLibrary(Section):
    """A jar for Databricks."""

    library: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class EggLibrary(Section):
    """An egg for Databricks."""

    library: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class DatabricksSection(Section):
    """The Databricks libraries of an environment."""

    maven_libraries: list[MavenLibrary] = field(default_factory=list, metadata={OF: MavenLibrary})
    pypi_libraries: list[PyPiLibrary] = field(default_factory=list, metadata={OF: PyPiLibrary})
    rcran_libraries: list[RCranLibrary] = field(default_factory=list, metadata={OF: RCranLibrary})
    jar_libraries: list[JarLibrary] = field(default_factory=list, metadata={OF: JarLibrary})
    egg_libraries: list[EggLibrary] = field(default_factory=list, metadata={OF: EggLibrary})


@dataclass(slots=True)
class RCranPackage(Section):
    """A package from CRAN."""

    name: str | None = None
    version: str | None = None
    repository: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class RGitHubPackage(Section):
    """A package in a GitHub repository; its token is saved as clear text, as in the SDK."""

    repository: str | None = None
    auth_token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class RSection(Section):
    """The R settings of an environment."""

    r_version: str | None = None
    user_managed: bool = False
    rscript_path: str | None = None
    snapshot_date: str | None = None
    cran_packages: list[RCranPackage] | None = field(default=None, metadata={OF: RCranPackage})
    github_packages: list[RGitHubPackage] | None = field(
        default=None, metadata={OF: RGitHubPackage}
    )
    custom_url_packages: list[str] | None = field(default=None, repr=False)
    bioconductor_packages: list[str] | None = None
