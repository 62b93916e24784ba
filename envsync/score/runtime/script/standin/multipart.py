"""Bodies of type multipart/form-data."""

import io
import re
from urllib.parse import unquote

from .multidict import Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))')


class FileStorage:
    """An uploaded file, in the words of Flask's."""

    def __init__(self, content: bytes, name: str, filename: str, headers: Headers) -> None:
        self.stream = io.BytesIO(content)
        self.name = name
        self.filename = filename
        self.headers = headers
        self.content_type = headers.get("Content-Type")
        self.mimetype = (self.content_type or "").split(";")[0].strip().lower()
        self.content_length = len(content)

    def save(self, destination: "Any", buffer_size: int = 16384) -> None:
        """Write the content to *destination*, a path or a file object."""
        del buffer_size
        if hasattr(destination, "write"):
            destination.write(self.stream.read())
            return
        with open(destination, "wb") as target:
            target.write(self.stream.read())

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.stream, name)

    def __iter__(self) -> "Any":
        return iter(self.stream)


def split_header(value: str) -> "tuple[str, dict[str, str]]":
    """Return the main word of a header like Content-Type, and its parameters."""
    word, semicolon, rest = value.partition(";")
    found = {}
    for key, quoted, plain in _PARAMETER.findall(semicolon + rest):
        found[key.lower()] = re.sub(r"\\(.)", r"\1", quoted) or plain
    for key in [key for key in found if key.endswith("*")]:
        found[key[:-1]] = _unquoted(found[key])
    return word.strip().lower(), found


def _unquoted(value: str) -> str:
    """Return a value that says its charset: `utf-8''%e2%82%ac` (RFC 8187)."""
    charset, _, rest = value.partition("'")
    try:
        return unquote(rest.partition("'")[2], charset)
    except LookupError:
        return value


def parse_form_data(
    body: bytes, boundary: str
) -> "tuple[list[tuple[str, str]], list[tuple[str, FileStorage]]]":
    """Return the fields and the files of *body*, each with its name; parts without one are left."""
    fields = []  # type: list[tuple[str, str]]
    files = []  # type: list[tuple[str, FileStorage]]
    delimiter = b"\r\n--" + boundary.encode("latin-1")
    for part in (b"\r\n" + body).split(delimiter)[1:]:
        if part.startswith(b"--"):
            break
        head, separator, content = part.partition(b"\r\n\r\n")
        headers = _parse_head(head)
        _, parameters = split_header(headers.get("Content-Disposition", ""))
        if not separator or "name" not in parameters:
            continue
        name = parameters["name"]
        if "filename" in parameters:
            files.append((name, FileStorage(content, name, parameters["filename"], headers)))
        else:
            fields.append((name, content.decode("utf-8", "replace")))
    return fields, files


def _parse_head(head: bytes) -> Headers:
    lines = re.split("[\r\n]+", head.decode("utf-8", "replace"))
    pairs = [line.partition(":") for line in lines if ":" in line]
    return Headers([(name.strip(), value.strip()) for name, _, value in pairs])
