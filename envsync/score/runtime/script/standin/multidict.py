"""Mappings with more than one value to a key, as HTTP has them."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator


class MultiDict(dict):  # type: ignore[type-arg]  # Python 3.6 can't subscript it here
    """Fields of a query or a form; `d[key]` is the first value."""

    def __init__(self, pairs: "Iterable[tuple[str, Any]]" = ()) -> None:
        super().__init__()
        self._pairs = list(pairs)
        for key, value in self._pairs:
            self.setdefault(key, value)

    def get(
        self,
        key: str,
        default: "Any" = None,
        type: "Callable[[Any], Any] | None" = None,  # noqa: A002  # Flask's name
    ) -> "Any":
        """Return the first value of *key*, converted by *type*; *default* where that fails."""
        if key not in self:
            return default
        if type is None:
            return self[key]
        try:
            return type(self[key])
        except (TypeError, ValueError):
            return default

    def getlist(self, key: str) -> "list[Any]":
        """Return every value of *key*."""
        return [value for name, value in self._pairs if name == key]

    def to_dict(self, flat: bool = True) -> "dict[str, Any]":  # noqa: FBT001, FBT002  # Flask's signature
        """Return a plain dictionary: of first values, or of lists of all."""
        if flat:
            return dict(self)
        return {key: self.getlist(key) for key in self}

    def items(self, multi: bool = False) -> "Any":  # noqa: FBT001, FBT002  # Flask's signature
        """Return each key with its first value, or with *multi* every pair."""
        return list(self._pairs) if multi else super().items()

    def lists(self) -> "Iterator[tuple[str, list[Any]]]":
        """Yield each key with all its values."""
        for key in self:
            yield key, self.getlist(key)


class Headers:
    """Header fields in their order; names match in any case."""

    def __init__(self, pairs: "Any" = ()) -> None:
        self._pairs = []  # type: list[tuple[str, str]]
        self.extend(pairs)

    def extend(self, pairs: "Any") -> None:
        """Add each of *pairs*, which may be a mapping."""
        for name, value in pairs.items() if hasattr(pairs, "items") else pairs:
            for one in value if isinstance(value, (list, tuple)) else (value,):
                self.add(name, one)

    def add(self, name: str, value: "Any") -> None:
        """Add a field beside others of that name.

        Raises:
            ValueError: the value has more than one line.
        """
        text = str(value)
        if "\n" in text or "\r" in text:
            message = "Header values must not contain newline characters: {}"
            raise ValueError(message.format(name))
        self._pairs.append((name, text))

    add_header = add

    def set(self, name: str, value: "Any") -> None:
        """Make *value* the only one of *name*."""
        self.remove(name)
        self.add(name, value)

    def __setitem__(self, name: str, value: "Any") -> None:
        self.set(name, value)

    def remove(self, name: str) -> None:
        """Drop every field of *name*."""
        lower = name.lower()
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != lower]

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def getlist(self, name: str) -> "list[str]":
        """Return every value of *name*."""
        lower = name.lower()
        return [value for key, value in self._pairs if key.lower() == lower]

    get_all = getlist

    def get(self, name: str, default: "Any" = None, type: "Any" = None) -> "Any":  # noqa: A002  # Flask's name
        """Return the first value of *name*, converted by *type*; *default* where that fails."""
        values = self.getlist(name)
        if not values:
            return default
        try:
            return values[0] if type is None else type(values[0])
        except (TypeError, ValueError):
            return default

    def setdefault(self, name: str, value: "Any") -> str:
        """Return the first value of *name*, which is *value* if there was none."""
        if name not in self:
            self.add(name, value)
        return str(self[name])

    def __getitem__(self, name: str) -> str:
        values = self.getlist(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.getlist(name))

    def __iter__(self) -> "Iterator[tuple[str, str]]":
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return "Headers({!r})".format(self._pairs)

    def items(self) -> "list[tuple[str, str]]":
        """Return the fields in their order."""
        return list(self._pairs)

    to_wsgi_list = items

    def keys(self) -> "list[str]":
        """Return the name of each field."""
        return [name for name, _ in self._pairs]

    def values(self) -> "list[str]":
        """Return the value of each field."""
        return [value for _, value in self._pairs]
