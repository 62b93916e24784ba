"""What went wrong between here and a registry, and what to do about it."""

from __future__ import annotations

import requests
import urllib3

from envsync.adapters.registry.body import clean, find_reason
from envsync.adapters.registry.transport import AddressError
from envsync.errors import EnvsyncError

_HIDDEN_AUTHORITY = "CERTIFICATE_VERIFY_FAILED"
_NOBODY_THERE = ("NewConnectionError", "NameResolutionError")


class RegistryBusyError(EnvsyncError):
    """The registry has too much to do; it may be asked again after so many *seconds*."""

    def __init__(self, message: str, *, hint: str, seconds: float) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


def explain(registry: str, answer: requests.Response, what: str) -> EnvsyncError:
    """Return the error that tells why *registry*, *what*, did not do so."""
    return EnvsyncError(
        f"Registry `{registry}`, {what}, answered {answer.status_code}: {find_reason(answer)}",
        hint="run this again later; who runs the registry may know more",
    )


def explain_busy(registry: str, answer: requests.Response, seconds: float) -> RegistryBusyError:
    """Return the error that tells that *registry* can't be bothered now."""
    if answer.status_code == requests.codes.too_many:
        message = f"Registry `{registry}` has had too many requests for now"
        hint = "wait, or `docker login` to it: it may allow its users more"
    else:
        message = f"Registry `{registry}` answered {answer.status_code} again and again"
        message += f": {find_reason(answer)}"
        hint = "run this again later; who runs the registry may know more"
    answer.close()
    return RegistryBusyError(message, hint=hint, seconds=seconds)


def explain_refusal(registry: str, answer: requests.Response, user: str) -> EnvsyncError:
    """Return the error that tells that *registry* does not let *user*, if any, do that."""
    whom = f"user `{user}`" if user else "whoever does not log in"
    return EnvsyncError(
        f"Registry `{registry}` refuses {whom}: {find_reason(answer)}",
        hint=f"run `docker login {registry}` as one who may",
    )


def explain_unreachable(registry: str, error: Exception, *, seconds: float) -> EnvsyncError:
    """Return the error that tells that *registry* gave no answer, for *seconds* or at all."""
    hint = "check its name, the network, and `HTTPS_PROXY`"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        reason = f"no answer within {seconds:g} s"
    elif isinstance(error, AddressError):
        reason = str(error)
        hint = "the registry is set up wrongly, or means harm: nothing was sent there"
    else:
        reason = _find_cause(error)
    if _HIDDEN_AUTHORITY in str(error):
        hint = f"put its authority's certificate at `/etc/docker/certs.d/{registry}/ca.crt`"
    return EnvsyncError(f"Cannot reach the registry `{registry}`: {reason}", hint=hint)


def explain_content(registry: str, reference: object) -> EnvsyncError:
    """Return the error that tells that what *registry* gave for *reference* makes no sense."""
    return EnvsyncError(
        f"Registry `{registry}` gave something for `{reference}` that is no image",
        hint="check the image's name, and that this is a registry's address",
    )


def explain_old(registry: str, reference: object) -> EnvsyncError:
    """Return the error that tells that *reference* is there in a form that nobody takes now."""
    return EnvsyncError(
        f"Registry `{registry}` has `{reference}` in Docker's first format alone, which engines "
        "no longer take",
        hint="bring it there anew: `skopeo copy --format v2s2` writes today's format",
    )


def explain_other(registry: str, digest: str) -> EnvsyncError:
    """Return the error that tells that *registry* did not give what has the *digest*."""
    return EnvsyncError(
        f"Registry `{registry}` gave something else than `{digest}`",
        hint="run this again; if it stays so, the registry is broken, or someone is in between",
    )


def is_hopeless(error: BaseException) -> bool:
    """Say whether there is nobody to ask, or nobody to trust."""
    is_nobody_there = any(name in str(error) for name in _NOBODY_THERE)
    return isinstance(error, requests.exceptions.SSLError) or is_nobody_there


def hides_authority(error: BaseException) -> bool:
    """Say whether somebody answered by TLS, whom nobody vouches for."""
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
