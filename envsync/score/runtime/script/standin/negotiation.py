"""What a request says of its client: what it takes, and who it is."""

import base64
import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator


class Accept:
    """The media types of an `Accept` header, the best first."""

    def __init__(self, header: str) -> None:
        found = []  # type: list[tuple[str, float]]
        for part in header.split(","):
            mimetype, *parameters = [piece.strip() for piece in part.split(";")]
            if mimetype:
                found.append((mimetype.lower(), _quality(parameters)))
        self._types = sorted(found, key=lambda one: (-one[1], one[0].count("*")))

    @property
    def best(self) -> "str | None":
        """The type that the client likes best."""
        return self._types[0][0] if self._types else None

    @property
    def accept_json(self) -> bool:
        """Whether it takes JSON."""
        return "application/json" in self

    @property
    def accept_html(self) -> bool:
        """Whether it takes HTML."""
        return "text/html" in self

    def quality(self, mimetype: str) -> float:
        """Return how much it likes *mimetype*, from 0 to 1."""
        main = mimetype.lower().partition("/")[0]
        for wanted in (mimetype.lower(), main + "/*", "*/*"):
            for given, quality in self._types:
                if given == wanted:
                    return quality
        return 0.0

    def best_match(self, offered: "Iterable[str]", default: "str | None" = None) -> "str | None":
        """Return the one of *offered* that it likes best; the first of equals."""
        liked = [(self.quality(one), one) for one in offered]
        best = max([quality for quality, _ in liked], default=0.0)
        return next((one for quality, one in liked if quality == best > 0), default)

    def values(self) -> "Iterator[str]":
        """Yield the types."""
        return (given for given, _ in self._types)

    def __contains__(self, mimetype: str) -> bool:
        return self.quality(mimetype) > 0

    def __iter__(self) -> "Iterator[tuple[str, float]]":
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


class Authorization:
    """An `Authorization` header: a user with a password, or a token."""

    def __init__(self, kind: str, rest: str) -> None:
        self.type = kind.lower()
        self.token = None  # type: str | None
        self.username = self.password = None  # type: str | None
        if self.type != "basic":
            self.token = rest
            return
        text = base64.b64decode(rest).decode("utf-8")
        self.username, _, self.password = text.partition(":")

    @classmethod
    def of(cls, header: str) -> "Authorization | None":
        """Return what *header* says, None if that is nothing."""
        kind, _, rest = header.partition(" ")
        try:
            return cls(kind, rest.strip()) if rest else None
        except (binascii.Error, ValueError):
            return None


def _quality(parameters: "list[str]") -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
