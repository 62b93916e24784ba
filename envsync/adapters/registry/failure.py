"""Errors from a registry, and what to do about them."""

from __future__ import annotations

import requests
import urllib3

from envsync.adapters.registry.body import clean, find_reason
from envsync.adapters.registry.transport import AddressError
from envsync.errors import EnvsyncError

_HIDDEN_AUTHORITY = "CERTIFICATE_VERIFY_FAILED"
_NOBODY_THERE = ("NewConnectionError", "NameResolutionError")


class RegistryBusyError(EnvsyncError):
    """The registry is busy; a retry makes sense after *seconds*."""

    def __init__(self, message: str, *, hint: str, seconds: float) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


def explain(registry: str, answer: requests.Response, what: str) -> EnvsyncError:
    """Return the error for an unexpected answer of *registry*, which was asked for *what*."""
    return EnvsyncError(
        f"Registry `{registry}`, {what}, answered {answer.status_code}: {find_reason(answer)}",
        hint="run this again later, or ask the registry's operator",
    )


def explain_busy(registry: str, answer: requests.Response, seconds: float) -> RegistryBusyError:
    """Return the error that says that *registry* is busy."""
    if answer.status_code == requests.codes.too_many:
        message = f"Registry `{registry}` has had too many requests for now"
        hint = "wait, or run `docker login`: it may allow more to users who log in"
    else:
        message = f"Registry `{registry}` answered {answer.status_code} repeatedly"
        message += f": {find_reason(answer)}"
        hint = "run this again later, or ask the registry's operator"
    answer.close()
    return RegistryBusyError(message, hint=hint, seconds=seconds)


def explain_refusal(registry: str, answer: requests.Response, user: str) -> EnvsyncError:
    """Return the error that says that *registry* refuses *user*, or anonymous access."""
    whom = f"user `{user}`" if user else "anonymous access"
    return EnvsyncError(
        f"Registry `{registry}` refuses {whom}: {find_reason(answer)}",
        hint=f"run `docker login {registry}` as a user with access",
    )


def explain_unreachable(registry: str, error: Exception, *, seconds: float) -> EnvsyncError:
    """Return the error that says that *registry* did not answer, within *seconds* or at all."""
    hint = "check its name, the network, and `HTTPS_PROXY`"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        reason = f"no answer within {seconds:g} s"
    elif isinstance(error, AddressError):
        reason = str(error)
        hint = "the registry is misconfigured or malicious; nothing was sent there"
    else:
        reason = _find_cause(error)
    if _HIDDEN_AUTHORITY in str(error):
        hint = f"put its authority's certificate at `/etc/docker/certs.d/{registry}/ca.crt`"
    return EnvsyncError(f"Cannot reach the registry `{registry}`: {reason}", hint=hint)


def explain_content(registry: str, reference: object) -> EnvsyncError:
    """Return the error that says that *registry* sent something else than an image."""
    return EnvsyncError(
        f"Registry `{registry}` sent something for `{reference}` that is not an image",
        hint="check the image's name, and that the address is a registry's",
    )


def explain_old(registry: str, reference: object) -> EnvsyncError:
    """Return the error that says that *reference* has only a form that engines no longer take."""
    return EnvsyncError(
        f"Registry `{registry}` has `{reference}` only in Docker's first format, which engines "
        "no longer take",
        hint="push it again, such as with `skopeo copy`, which can write the current format",
    )


def explain_other(registry: str, digest: str) -> EnvsyncError:
    """Return the error that says that *registry* sent other bytes than those of *digest*."""
    return EnvsyncError(
        f"Registry `{registry}` sent something else than `{digest}`",
        hint="run this again; if it fails again, the registry is broken, or someone intercepts it",
    )


def is_hopeless(error: BaseException) -> bool:
    """Return whether there is no such server, or no trust in it: a retry can't help."""
    is_nobody_there = any(name in str(error) for name in _NOBODY_THERE)
    return isinstance(error, requests.exceptions.SSLError) or is_nobody_there


def hides_authority(error: BaseException) -> bool:
    """Return whether a server answered by TLS with a certificate of an unknown authority."""
    return _HIDDEN_AUTHORITY in str(error)


def _find_cause(error: BaseException) -> str:
    """Return the innermost reason in a chain of wrapped errors."""
    cause: BaseException = error
    while True:
        inner = getattr(cause, "reason", None) or cause.__cause__ or cause.__context__
        inner = inner or next((it for it in cause.args if isinstance(it, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return clean(str(getattr(cause, "strerror", None) or cause))
