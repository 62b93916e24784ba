"""An image's config (OCI image-spec), whose sha256 is the image's id."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from envsync.errors import DefinitionError
from envsync.files.hashing import hash_bytes
from envsync.image.store.tar import FIXED_TIME
from envsync.model.image import ImageSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envsync.model.digest import Digest
    from envsync.model.image import BaseImage, Layer

# Settings that Docker has and OCI has not, which an image inherits from its base.
_OTHERS = ("Healthcheck", "Shell")
_OF_THE_BASE = "org.opencontainers.image."
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageContent:
    """A whole image: its config's bytes, its layers, and the id of its base image."""

    config: bytes
    layers: tuple[Layer, ...]
    base_id: str = ""

    @property
    def id(self) -> Digest:
        """The image id."""
        return hash_bytes(self.config)


def find_time(source_date_epoch: str | None) -> int:
    """Return the creation time of images: `SOURCE_DATE_EPOCH`, or a fixed one.

    Raises:
        DefinitionError: it is not a number of seconds.
    """
    if not source_date_epoch:
        return FIXED_TIME
    if not source_date_epoch.isascii() or not source_date_epoch.isdigit():
        raise DefinitionError(
            f"`SOURCE_DATE_EPOCH` is `{source_date_epoch}`, and not a number of seconds since 1970"
        )
    return int(source_date_epoch)


def list_activation(settings: ImageSettings, *, prefix: str) -> dict[str, str]:
    """Return the variables that activate the environment at *prefix*, as in Azure ML's images.

    The PATH of the base image, from its *settings*, follows the environment's.
    """
    known = dict(entry.partition("=")[::2] for entry in settings.environment)
    return {
        "PATH": f"{prefix}/bin:{known.get('PATH') or _DEFAULT_PATH}",
        "CONDA_DEFAULT_ENV": prefix,
        "CONDA_PREFIX": prefix,
        "AZUREML_CONDA_ENVIRONMENT_PATH": prefix,
    }


def extend(
    settings: ImageSettings,
    *,
    variables: Mapping[str, str],
    labels: Mapping[str, str],
    command: Sequence[str] = (),
) -> ImageSettings:
    """Return the base's *settings* with *variables* and *labels*, and *command* if it has none.

    OCI's labels, which describe the base image, are dropped.
    """
    known = dict(entry.partition("=")[::2] for entry in settings.environment)
    kept = {key: value for key, value in settings.labels if not key.startswith(_OF_THE_BASE)}
    return replace(
        settings,
        environment=tuple(f"{name}={value}" for name, value in {**known, **variables}.items()),
        command=settings.command or (() if settings.entrypoint else tuple(command)),
        labels=tuple(sorted({**kept, **labels}.items())),
    )


def compose(
    base: BaseImage, settings: ImageSettings, layers: Sequence[Layer], *, made_at: int
) -> ImageContent:
    """Return the image with *settings*, and with *layers* on those of *base*."""
    created = datetime.fromtimestamp(made_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    history = [
        *({"created": created, "created_by": "base image"} for _ in base.layers),
        *({"created": created, "created_by": f"envsync: {it.created_by}"} for it in layers),
    ]
    together = (*base.layers, *layers)
    config = {
        "architecture": base.architecture,
        "os": base.os,
        **({"variant": base.variant} if base.variant else {}),
        "created": created,
        "config": _dump_settings(settings),
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in together]},
    }
    return ImageContent(config=dump_json(config), layers=together, base_id=base.id)


def dump_json(value: object) -> bytes:
    """Return *value* as JSON: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def parse_settings(config: object) -> ImageSettings:
    """Return the settings from an image's `config`, as a registry or an engine has it.

    Raises:
        ValueError: one has a wrong value.
    """
    if not isinstance(config, dict):
        raise _wrong_value("config")
    others = tuple((name, config[name]) for name in _OTHERS if config.get(name))
    return ImageSettings(
        environment=_read_texts(config, "Env"),
        command=_read_texts(config, "Cmd"),
        entrypoint=_read_texts(config, "Entrypoint"),
        working_directory=_read_text(config, "WorkingDir"),
        user=_read_text(config, "User"),
        labels=_read_labels(config.get("Labels") or {}),
        exposed_ports=_read_keys(config, "ExposedPorts"),
        volumes=_read_keys(config, "Volumes"),
        stop_signal=_read_text(config, "StopSignal"),
        others=others,
    )


def _read_labels(labels: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(labels, dict):
        raise _wrong_value("Labels")
    return tuple((name, _read_text(labels, name)) for name in sorted(labels))


def _read_text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name) or ""
    if not isinstance(value, str):
        raise _wrong_value(name)
    return value


def _read_texts(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = config.get(name) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(it, str) for it in value):
        raise _wrong_value(name)
    return tuple(value)


def _read_keys(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the keys of an object, sorted; some engines give a list of them."""
    value = config.get(name) or {}
    if isinstance(value, list):
        return tuple(sorted(_read_texts(config, name)))
    if not isinstance(value, dict):
        raise _wrong_value(name)
    return tuple(sorted(value))


def _wrong_value(name: str) -> ValueError:
    return ValueError(f"`{name}` has a wrong value")


def _dump_settings(settings: ImageSettings) -> dict[str, Any]:
    values: dict[str, Any] = {
        "Env": list(settings.environment),
        "Cmd": list(settings.command),
        "Entrypoint": list(settings.entrypoint),
        "WorkingDir": settings.working_directory,
        "User": settings.user,
        "Labels": dict(settings.labels),
        "ExposedPorts": {port: {} for port in settings.exposed_ports},
        "Volumes": {volume: {} for volume in settings.volumes},
        "StopSignal": settings.stop_signal,
        **dict(settings.others),
    }
    return {name: value for name, value in values.items() if value}
