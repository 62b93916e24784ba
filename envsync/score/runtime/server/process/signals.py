"""Which signals the server heeds."""

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .settings import Settings


def caught_signals(settings: "Settings") -> "list[int]":
    """Return the signals that end the server, or have it load its script again.

    A hang-up that is to end it is left out where whoever started it ignores it, as `nohup` does.
    """
    found = [int(signal.SIGTERM), int(signal.SIGINT)]
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is None:
        return found
    is_ignored = signal.getsignal(hang_up) == signal.SIG_IGN
    if not (settings.ends_at_hang_up and is_ignored):
        found.append(int(hang_up))
    return found
