import pytest

from envsync.solve.channels import place_channels

MAIN = "https://repo.anaconda.com/pkgs/main"
R = "https://repo.anaconda.com/pkgs/r"
FORGE = "https://conda.anaconda.org/conda-forge"


@pytest.mark.parametrize(
    ("names", "urls"),
    [
        (("conda-forge",), [(FORGE,)]),
        (("defaults", "conda-forge"), [(MAIN, R), (FORGE,)]),
        (("anaconda",), [(MAIN, R)]),
        ((), [(MAIN, R)]),
        (("pkgs/main",), [(MAIN,)]),
        (("conda-forge", "nodefaults"), [(FORGE,)]),
        (("https://host.example/x/",), [("https://host.example/x",)]),
    ],
)
def test_channels_stand_for_addresses(names: tuple[str, ...], urls: list[tuple[str, ...]]) -> None:
    channels, _ = place_channels(names, (), "linux-64")

    assert [channel.urls for channel in channels] == urls


def test_windows_has_one_more_default_channel() -> None:
    (defaults,), _ = place_channels(("defaults",), (), "win-64")

    assert defaults.urls[-1] == "https://repo.anaconda.com/pkgs/msys2"


def test_a_match_spec_may_bring_its_channel_along() -> None:
    channels, specs = place_channels(
        ("conda-forge",), ("conda-forge::jq", "pytorch::pytorch=1.11.0", "numpy"), "linux-64"
    )

    assert [channel.name for channel in channels] == ["conda-forge", "pytorch"]
    assert specs == (
        f"{FORGE}::jq",
        "https://conda.anaconda.org/pytorch::pytorch=1.11.0",
        "numpy",
    )


def test_a_channel_set_in_a_match_spec_is_its_first_channel() -> None:
    channels, specs = place_channels(("anaconda",), ("defaults::numpy",), "linux-64")

    assert len(channels) == 1
    assert specs == (f"{MAIN}::numpy",)


def test_a_match_spec_may_ask_for_one_subdir_of_a_channel() -> None:
    channels, specs = place_channels(
        ("conda-forge",), ("conda-forge/noarch::six", "conda-forge/label/dev::jq"), "linux-64"
    )

    assert [channel.name for channel in channels] == ["conda-forge", "conda-forge/label/dev"]
    assert specs == (f"{FORGE}/noarch::six", f"{FORGE}/label/dev::jq")


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("pytorch[channel=pytorch]", "pytorch"),
        ("pytorch [ channel = 'pytorch' ]", "pytorch"),
        ("other::pytorch[channel=pytorch]", "pytorch"),
        ('pytorch>=1.8[build=*cuda*, channel="pytorch"]', "pytorch>=1.8[build=*cuda*]"),
        ("pytorch[channel=pytorch,version='>=1,<2']", "pytorch[version='>=1,<2']"),
        ("pytorch[channel='https://conda.anaconda.org/pytorch']", "pytorch"),
    ],
)
def test_a_channel_in_brackets_is_the_same_as_one_in_front(text: str, placed: str) -> None:
    channels, specs = place_channels(("conda-forge",), (text,), "linux-64")

    assert [channel.urls for channel in channels] == [
        (FORGE,),
        ("https://conda.anaconda.org/pytorch",),
    ]
    assert specs == (f"https://conda.anaconda.org/pytorch::{placed}",)


def test_brackets_without_a_channel_stay_as_they_are() -> None:
    text = "pytorch[version='1.*', build=channel]"

    assert place_channels(("conda-forge",), (text,), "linux-64")[1] == (text,)
