import pytest

from envsync.model.scoring.target import ScriptFailure


@pytest.mark.parametrize(
    ("message", "summary"), [("no model", "ValueError: no model"), ("", "ValueError")]
)
def test_a_failure_is_summed_up_as_python_does(message: str, summary: str) -> None:
    assert ScriptFailure(type="ValueError", message=message, traceback="").summary == summary
