"""Scripts under `@input_schema`, over HTTP: what of a request becomes an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.served import serve_script

if TYPE_CHECKING:
    from pathlib import Path

JSON = {"Content-Type": "application/json"}
SCRIPT = """
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema

def init():
    pass

@input_schema("text", StandardPythonParameterType("sample"))
def run(text):
    return text
"""


@pytest.mark.e2e
def test_json_is_read_in_each_of_its_encodings(scoring_python: Path, tmp_path: Path) -> None:
    with serve_script(scoring_python, tmp_path, SCRIPT) as served:
        found = {
            encoding: served.ask(body='{"text": "é"}'.encode(encoding), headers=JSON).json
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32")
        }
        wrong = served.ask(body=b'{"text": "\xff"}', headers=JSON)
    assert set(found.values()) == {"é"}
    assert wrong.status == 400
    assert wrong.json["message"].startswith("Input cannot be decoded as UTF-8: ")


@pytest.mark.e2e
@pytest.mark.parametrize("query", ["version=3", "version=%33", "x&version=3&version=2"])
def test_the_version_of_the_document_is_read_from_the_query(
    scoring_python: Path, tmp_path: Path, query: str
) -> None:
    with serve_script(scoring_python, tmp_path, SCRIPT) as served:
        document = served.ask("GET", "/swagger.json?" + query).json
    assert document["openapi"] == "3.0.3"
    assert document["components"]["schemas"]["ServiceInput"]["example"] == {"text": "sample"}
