"""Images of an engine: looked up, loaded, built, read and run."""

from __future__ import annotations

import contextlib
import time
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from envsync.adapters.docker_engine.failure import translated
from envsync.errors import DefinitionError
from envsync.model.image import parse_reference
from envsync.process import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from docker import DockerClient

    from envsync.model.image import ImageReference


_LOOKED_INTO = "envsync.looked-into"  # labels a container that never runs with its creation time
_LOOK_SECONDS = 60
_LARGEST_FILE = 64 << 20  # bytes; a C library has 2 MB
_NOT_UNPACKED = "Error unpacking image"  # containerd's store reports this as progress

LayerStore = Literal["chain", "content", "whole"]


class DockerEngine:
    """A connection to one engine; `connect` creates it."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client

    def find_image(self, reference: str) -> str | None:
        """Return the id of the image *reference*, None if the engine has none."""
        facts = self.inspect(reference)
        return str(facts["Id"]) if facts else None

    def inspect(self, reference: str) -> dict[str, Any] | None:
        """Return the engine's description of the image *reference*, None if it has none."""
        with translated(f"asked for `{reference}`"):
            try:
                return dict(self._client.images.get(reference).attrs or {})
            except ImageNotFound:
                return None

    def find_digest(self, reference: ImageReference) -> str | None:
        """Return the digest by which the engine pulled the image *reference*.

        It is None if there is no such image, or if it is not from a registry.
        """
        facts = self.inspect(str(reference))
        return choose_digest(facts or {}, reference)

    def layer_store(self) -> LayerStore:
        """Return how the engine keeps layers, which decides what an archive may leave out.

        `chain` is Docker's own: the known layers below the first new one. `content` is
        containerd's: any layer that the engine has in the form that the manifest lists. `whole` is
        Podman's: nothing.
        """
        with translated("asked for its version"):
            components = self._client.version().get("Components") or [{}]
            if "Podman" in str(components[0].get("Name")):
                return "whole"
            status = self._client.info().get("DriverStatus") or []
        is_containerd = any("io.containerd" in str(value) for _, value in status)
        return "content" if is_containerd else "chain"

    def list_images(self, label: str) -> tuple[str, ...]:
        """Return the ids of the images that have *label*, with or without a name."""
        with translated("asked for its images"):
            listed = self._client.api.images(filters={"label": label})
        return tuple(str(item["Id"]) for item in listed)

    def count_known_layers(self, diff_ids: Sequence[str], *, label: str, base: str) -> int:
        """Return how many of *diff_ids*, from the first on, one image of the engine has.

        Only *base* and images that have *label* are considered.
        """
        most = 0
        for name in (*self.list_images(label), *([base] if base else [])):
            root = (self.inspect(name) or {}).get("RootFS")
            known = (root.get("Layers") if isinstance(root, dict) else None) or ()
            pairs = zip(known, diff_ids, strict=False)
            most = max(most, sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))
        return most

    def load(self, archive: Iterator[bytes]) -> None:
        """Load the images of *archive*, as `docker save` writes it, with their tags."""
        with translated("given an image to load"):
            api: Any = self._client.api  # its types lack this
            for message in api.load_image(archive):
                failed = str(message.get("error") or message.get("stream") or "")
                if "error" in message or failed.startswith(_NOT_UNPACKED):
                    raise DockerException(failed.strip())

    def tag(self, image: str, reference: ImageReference) -> None:
        """Tag the image with the id *image* as *reference*, even if that is another image's tag."""
        with translated(f"asked to tag `{image}`"):
            self._client.api.tag(image, reference.familiar_name, reference.tag or "latest")

    def remove(self, reference: str) -> None:
        """Remove the tag *reference*, if it exists, and the image if it has no other."""
        with translated(f"asked to remove `{reference}`"), contextlib.suppress(ImageNotFound):
            self._client.images.remove(reference)

    def build(self, context: Path, *, dockerfile: str, platform: str) -> str:
        """Build the *dockerfile* in the folder *context*; return the image's id."""
        with translated(f"asked to build `{context / dockerfile}`"):
            image, _ = self._client.images.build(
                path=str(context), dockerfile=dockerfile, platform=platform, rm=True, forcerm=True
            )
            return str(image.id)

    def save(self, image: str) -> Iterator[bytes]:
        """Yield the bytes of the archive of *image*, as `docker save` writes it."""
        with translated(f"asked to save `{image}`"):
            yield from self._client.api.get_image(image)

    def read_file(self, image: str, path: str) -> Iterator[bytes] | None:
        """Return a tar archive of the file at *path* of *image*, without running anything."""
        with translated(f"asked for `{path}` of `{image}`"):
            self._remove_left_over()
            container = self._client.containers.create(
                image, ["true"], network_mode="none", labels={_LOOKED_INTO: str(int(time.time()))}
            )
            try:
                chunks, _ = container.get_archive(path)
                return iter(_take(chunks))
            except NotFound:
                return None
            finally:
                container.remove(force=True)

    def _remove_left_over(self) -> None:
        """Remove the containers of processes that were killed while they read a file."""
        api = self._client.api  # `containers.list` inspects each one, which may be gone
        for found in api.containers(all=True, filters={"label": _LOOKED_INTO}):
            if int(found["Labels"][_LOOKED_INTO]) < time.time() - _LOOK_SECONDS:
                with contextlib.suppress(APIError):  # another process may remove it too
                    api.remove_container(found["Id"], force=True)

    def run(
        self,
        image: str,
        command: Sequence[str],
        *,
        read_only: Mapping[Path, str],
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run *command* in a new container of *image* to its end, and remove the container.

        There is no network. *read_only* maps directories of this machine to the container's. The
        caller judges the status.
        """
        volumes = {str(path): {"bind": place, "mode": "ro"} for path, place in read_only.items()}
        with translated(f"asked to run `{image}`"):
            container = self._client.containers.create(
                image,
                list(command),
                network_mode="none",
                volumes=volumes,
                environment=dict(env or {}),
            )
            try:
                container.start()
                status = int(container.wait()["StatusCode"])
                stdout = container.logs(stdout=True, stderr=False)
                stderr = container.logs(stdout=False, stderr=True)
            finally:
                container.remove(force=True)
        return Completed(
            status=status,
            stdout=stdout.decode(errors="replace"),
            stderr=stderr.decode(errors="replace"),
        )


def _take(chunks: Iterator[bytes]) -> list[bytes]:
    """Return *chunks*, which may have as many bytes as a library."""
    taken, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > _LARGEST_FILE:
            raise DockerException(f"the file has more than {_LARGEST_FILE:,} bytes")
        taken.append(chunk)
    return taken


def choose_digest(facts: Mapping[str, Any], reference: ImageReference) -> str | None:
    """Return the digest for *reference*'s repository from an engine's *facts* about an image."""
    found = []
    listed = facts.get("RepoDigests")
    for text in listed if isinstance(listed, list | tuple) else ():
        with contextlib.suppress(DefinitionError):
            known = parse_reference(str(text))
            if (known.registry, known.repository) == (reference.registry, reference.repository):
                found.append(known.digest)
    return reference.digest if reference.digest in found else next(iter(found), None)
