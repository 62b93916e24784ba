from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import conda_package

from envsync.image.packages.arrangement import PackageLayer, arrange
from envsync.image.packages.recipe import Recipe
from envsync.model.image import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

_KIB, _MIB = 1 << 10, 1 << 20


def _package(name: str, size: int = _MIB, *, is_requested: bool = False) -> PackageLayer:
    recipe = Recipe(package=conda_package(name), prefix="/azureml-envs/x")
    layer = Layer(diff_id=f"sha256:{name}", size=size)
    return PackageLayer(recipe=recipe, layer=layer, is_requested=is_requested)


def _names(layers: Sequence[Sequence[PackageLayer]]) -> list[list[str]]:
    return [[part.recipe.package.name for part in parts] for parts in layers]


def _many(count: int) -> list[PackageLayer]:
    sizes = (int(_KIB * 1.04**number) for number in range(count))
    return [_package(f"package-{number:03}", size) for number, size in enumerate(sizes)]


def test_each_package_has_its_layer_while_there_is_room() -> None:
    assert len(arrange(_many(100), budget=100)) == 100


def test_what_is_heavy_lies_at_the_bottom_and_what_was_asked_for_on_top() -> None:
    packages = [
        _package("asked-for", is_requested=True),
        _package("heavy", 500 * _MIB),
        _package("heavy-and-asked-for", 400 * _MIB, is_requested=True),
        _package("light"),
        _package("python", 150 * _MIB, is_requested=True),
    ]

    assert _names(arrange(packages, budget=10)) == [
        ["heavy"],
        ["python"],
        ["heavy-and-asked-for"],
        ["light"],
        ["asked-for"],
    ]


def test_a_new_version_of_about_the_same_size_moves_no_layer() -> None:
    packages = _many(50)
    changed = [_package("package-025", 3 * _KIB), *packages[:25], *packages[26:]]

    assert _names(arrange(changed, budget=99)) == _names(arrange(packages, budget=99))


def test_beyond_the_limit_small_packages_share_layers() -> None:
    layers = arrange(_many(400), budget=100)

    assert len(layers) <= 100
    assert sorted(name for names in _names(layers) for name in names) == [
        f"package-{number:03}" for number in range(400)
    ]
    alone = [parts[0] for parts in layers if len(parts) == 1]
    assert len(alone) > 30
    smallest = min(part.layer.size for part in alone)
    shared = [part.layer.size for parts in layers if len(parts) > 1 for part in parts]
    assert smallest > max(shared)


def test_a_package_more_touches_one_shared_layer() -> None:
    before = arrange(_many(400), budget=100)
    after = arrange([*_many(400), _package("another", 20 * _KIB)], budget=100)

    assert len(set(map(tuple, _names(before))) - set(map(tuple, _names(after)))) == 1


@given(
    st.lists(st.tuples(st.integers(0, 1 << 33), st.booleans()), min_size=1, max_size=300),
    st.integers(4, 120),
)
def test_no_more_layers_than_there_is_room_for(sizes: list[tuple[int, bool]], budget: int) -> None:
    packages = [
        _package(f"p{number}", size, is_requested=asked)
        for number, (size, asked) in enumerate(sizes)
    ]
    layers = arrange(packages, budget=budget)

    assert len(layers) <= budget
    assert sorted(name for names in _names(layers) for name in names) == sorted(
        package.recipe.package.name for package in packages
    )


@given(st.permutations(_many(30)))
def test_the_order_of_the_lock_does_not_count(packages: list[PackageLayer]) -> None:
    assert arrange(packages, budget=20) == arrange(_many(30), budget=20)
