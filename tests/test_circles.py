"""No two modules of envsync import each other, directly or through others."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp


def test_imports_have_no_circle() -> None:
    graph = grimp.build_graph("envsync", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}

    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise AssertionError(circle) from None
