import pytest
from packaging.utils import canonicalize_name

from envsync.model.pip_name import normalize_pip_name


@pytest.mark.parametrize("name", ["six", "Ruamel.YAML", "a__b-.c", "Flask-SQLAlchemy", "-a_"])
def test_names_are_spelled_as_packaging_does(name: str) -> None:
    assert normalize_pip_name(name) == canonicalize_name(name)
