"""Rules about the image that the environment starts from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.definition.rules.diagnosis import Diagnosis, error, warning
from envsync.errors import DefinitionError
from envsync.model.image import looks_like_path, parse_reference
from envsync.model.text.redaction import redact_reference, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.definition.rules.subject import Subject

_IMAGE_KEYS = {"baseImage", "image"}
_AZUREML = re.compile(r"mcr\.microsoft\.com/azureml/", re.IGNORECASE)

# Default images of azureml-core that it writes without a tag, and the release that does.
_UNTAGGED_DEFAULTS = {
    "openmpi4.1.0-ubuntu20.04": "1.60",
    "openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04": "1.61",
}

# What Azure ML has withdrawn or no longer mends: where the name tells, what, and who says so.
_RETIRED = (
    (
        re.compile(r"/curated/.*py3[678](?!\d)"),
        "Azure ML has withdrawn its images for this Python",
        "https://github.com/Azure/azureml-assets/pull/3064",
    ),
    (
        re.compile(r"ubuntu-?16\.?04"),
        "Azure ML no longer mends images on Ubuntu 16.04",
        "https://github.com/Azure/AzureML-Containers/pull/57",
    ),
    (
        re.compile(r"ubuntu-?18\.?04"),
        "Azure ML no longer mends images on Ubuntu 18.04",
        "https://github.com/Azure/AzureML-Containers/pull/117",
    ),
    (
        re.compile(r"ubuntu-?20\.?04"),
        "Azure ML no longer mends images on Ubuntu 20.04",
        "https://github.com/MicrosoftDocs/azure-ai-docs/pull/343",
    ),
    (
        re.compile(r"openmpi4\.1\.0-cuda11\.8-cudnn8-ubuntu22\.04"),
        "Azure ML has given this image up",
        "https://github.com/Azure/azureml-assets/pull/4446",
    ),
)


def check_image_can_exist(subject: Subject) -> Iterator[Diagnosis]:
    """Find base images that no registry can have; those of Dockerfiles are Docker's business."""
    for image in subject.images:
        name = image.text.strip()
        if not name or not image.path or image.path[-1] not in _IMAGE_KEYS or looks_like_path(name):
            continue
        try:
            parse_reference(name)
        except DefinitionError as failure:
            hint = "write it as Docker does: `HOST/NAME:TAG`"
            yield error("impossible-image", image.finding(failure.message, hint))


def check_floating_image(subject: Subject) -> Iterator[Diagnosis]:
    """Find images whose content changes under the same name."""
    for image in subject.images:
        name, tag, digest = split_reference(image.text)
        if not name or digest or tag not in {"", "latest"}:
            continue
        what = "has no tag" if not tag else "has the tag `latest`"
        shown = shorten(redact_reference(image.text))
        message = f"`{shown}` {what}, so another image may have this name tomorrow"
        release = _UNTAGGED_DEFAULTS.get(_AZUREML.sub("", name))
        if release is not None and not tag:
            message += f"; azureml-core {release} writes it so by itself"
        hint = "add a dated tag, or better its digest: `NAME@sha256:...`"
        yield warning("floating-image", image.finding(message, hint))


def check_retired_image(subject: Subject) -> Iterator[Diagnosis]:
    """Find images of Azure ML that are withdrawn, or get no security fixes any more."""
    for image in subject.images:
        if not _AZUREML.match(image.text):
            continue
        for pattern, message, source in _RETIRED:
            if pattern.search(image.text):
                hint = f"take one on Ubuntu 22.04 or newer; see {source}"
                yield warning("retired-image", image.finding(message, hint))
                break


def split_reference(text: str) -> tuple[str, str, str]:
    """Return the name, the tag and the digest of an image reference, empty where there is none."""
    name, _, digest = text.strip().partition("@")
    base, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return name, "", digest
    return base, tag, digest
