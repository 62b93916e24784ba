"""The digest that a base image has now: its registry says, else the engine of this machine."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from envsync.errors import DefinitionError, EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from envsync.model.environment import ImageRegistry
    from envsync.model.image import ImageReference

_Found = TypeVar("_Found")

_VARIABLE = "ENVSYNC_REGISTRY_TIMEOUT"
_REGISTRY_SECONDS = 6.0  # all requests together: a lock may have to wait for that long
_ENGINE_SECONDS = 3.0
_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundDigest:
    """A *digest*, and why the registry did not give it where the engine did."""

    digest: str
    failure: EnvsyncError | None = None


class DigestFinder:
    """Asks for the digests of images, for each image once; many threads may share it.

    A registry may take as many seconds as `ENVSYNC_REGISTRY_TIMEOUT` in *environ* says, and one
    that took longer is not asked again. With *offline* only an engine on this machine is asked,
    and none without *asks_engine*.
    """

    def __init__(
        self, environ: Mapping[str, str], *, offline: bool = False, asks_engine: bool = True
    ) -> None:
        self._environ = environ
        self._is_offline = offline
        is_near = not (offline and _is_engine_remote(environ))
        self._asks_engine = asks_engine and is_near
        self._started: dict[Hashable, Future[FoundDigest]] = {}
        self._silent: dict[str, EnvsyncError] = {}
        self._guard = threading.Lock()

    def start(
        self, reference: ImageReference, registry: ImageRegistry | None
    ) -> Future[FoundDigest]:
        """Ask for the digest of *reference*; the answer comes, or fails, in bounded time.

        The engine is asked where the registry does not say.

        Raises:
            DefinitionError: `ENVSYNC_REGISTRY_TIMEOUT` is no number of seconds.
        """
        self._read_seconds()
        key = (reference, registry)
        with self._guard:
            if key not in self._started:
                self._started[key] = _start(lambda: self._find(reference, registry))
            return self._started[key]

    def ask_registry(self, reference: ImageReference, registry: ImageRegistry | None) -> str:
        """Return the digest of *reference*, as its registry says; *registry* tells who to be.

        Raises:
            EnvsyncError: the registry can't be reached, refuses, has no such image, or takes too
                long.
        """
        seconds = self._read_seconds()
        host = reference.registry
        if host in self._silent:
            raise self._silent[host]
        try:
            return _start(lambda: _ask_registry(reference, registry, seconds)).result(seconds)
        except OutOfTime:
            self._silent[host] = EnvsyncError(
                f"Cannot reach the registry `{host}`: no answer within {seconds:g} s",
                hint=f"check its name and the network, or set `{_VARIABLE}` to more seconds",
            )
            raise self._silent[host] from None

    def _find(self, reference: ImageReference, registry: ImageRegistry | None) -> FoundDigest:
        if self._is_offline:
            failure = EnvsyncError("`--offline` asks no registry")
        else:
            try:
                return FoundDigest(digest=self.ask_registry(reference, registry))
            except EnvsyncError as error:
                failure = error
        digest = _peek(reference) if self._asks_engine else None
        if digest is None:
            raise failure
        return FoundDigest(digest=digest, failure=failure)

    def _read_seconds(self) -> float:
        text = self._environ.get(_VARIABLE) or str(_REGISTRY_SECONDS)
        with contextlib.suppress(ValueError):
            if (seconds := float(text)) > 0:
                return min(seconds, _LONGEST_SECONDS)
        raise DefinitionError(f"`{_VARIABLE}` is `{text}`, and not a number of seconds")


def _start(function: Callable[[], _Found]) -> Future[_Found]:
    """Call *function* in a thread that nobody has to wait for, as no request can be broken off."""
    future: Future[_Found] = Future()

    def call() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  # whoever asks for the result gets it
            future.set_exception(error)

    threading.Thread(target=call, daemon=True, name="envsync-digest").start()
    return future


def _ask_registry(reference: ImageReference, registry: ImageRegistry | None, seconds: float) -> str:
    from envsync.adapters.registry import RegistrySource

    source = RegistrySource(reference, architecture="", registry=registry, read_seconds=seconds)
    with contextlib.closing(source):
        return source.find_digest()


def _peek(reference: ImageReference) -> str | None:
    """Return the digest that the engine has for *reference*, if it answers and has one."""
    with contextlib.suppress(EnvsyncError, OutOfTime):
        return _start(lambda: _ask_engine(reference)).result(_ENGINE_SECONDS)
    return None


def _ask_engine(reference: ImageReference) -> str | None:
    from envsync.adapters.docker_engine import connect

    with connect() as engine:
        return engine.find_digest(reference)


def _is_engine_remote(environ: Mapping[str, str]) -> bool:
    host = environ.get("DOCKER_HOST") or "unix://"
    return not host.startswith(("unix://", "npipe://"))
