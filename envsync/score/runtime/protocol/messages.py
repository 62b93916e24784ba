"""What clients are told of failures, in the words of Azure ML's server."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
NOT_JSON = "An unexpected internal error occurred. Check the logs for more info."
TIMEOUT = "Scoring timeout after {} ms"
NOT_FOUND = (
    "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."

# The rest are answers that it has no words for.
NOT_LOADED = "The entry script is not loaded."
NOT_LOADED_AGAIN = "The entry script could not be loaded again. Check the logs for more info."
TOO_BUSY = "Too many requests wait for a worker."
MISDIRECTED = "This server does not answer for the host that the request names."
CROSS_SITE = "This server does not answer pages of other sites."
NO_WEB_SOCKETS = "This server has no WebSockets."
FETCHED_AHEAD = "This server does not run the script for what a browser fetches ahead."
TOO_MUCH = "The server holds too many large requests. Try again later."


def failure_summary(told_failure: "dict[str, Any]") -> str:
    """Return the exception as Python's last line has it."""
    if not told_failure["message"]:
        return str(told_failure["type"])
    return "{type}: {message}".format(**told_failure)
