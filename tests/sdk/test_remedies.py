from __future__ import annotations

import pytest

from envsync.cli.terminal import remedies as cli
from envsync.errors import EnvsyncError
from envsync.remedy import Option, Step, advise, use_words
from envsync.sdk import remedies as sdk

CASES = [
    (Option("no_build"), "`--no-build`", "`no_build=True`"),
    (Option("base"), "`--base`", "`base_image=...`"),
    (Option("max_changes", "5"), "`--max-changes 5`", "`max_changes=5`"),
    (Option("update", "six"), "`--update six`", '`update=("six",)`'),
    (Option("exclude_newer", "none"), "`--exclude-newer none`", '`cut_off="none"`'),
    (Step("lock", ("a b",)), "`envsync lock 'a b'`", "`Environment.lock()`"),
    (
        Step("lock", ("d",), (Option("subdir", "linux-64"),)),
        "`envsync lock --subdir linux-64 d`",
        '`Environment.lock(LockOptions(subdirs=("linux-64",)))`',
    ),
    (
        Step("build-local", ("d",), (Option("docker"),)),
        "`envsync build-local --docker d`",
        "`Environment.build_local(use_docker=True)`",
    ),
    (
        Step("build-local", (), (Option("push"),)),
        "`envsync build-local --push`",
        "`envsync build-local --push`",
    ),
    (Step("model list"), "`envsync model list`", "`Model.list()`"),
    (Step("service delete"), "`envsync service delete`", "`LocalWebservice.delete()`"),
    (
        Step("model delete", ("churn:2",)),
        "`envsync model delete churn:2`",
        '`Model("churn:2").delete()`',
    ),
    (Step("verify", ("d",)), "`envsync verify d`", "`envsync verify d`"),
]


@pytest.mark.parametrize(("part", "command", "call"), CASES)
def test_one_error_has_a_hint_for_each_face(part: Option | Step, command: str, call: str) -> None:
    error = EnvsyncError("It is stale", hint=advise("run ", part))

    for word_remedy, expected in ((cli.word_remedy, command), (sdk.word_remedy, call)):
        use_words(word_remedy)
        assert str(error) == f"It is stale\nHint: run {expected}"
