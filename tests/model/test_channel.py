import pytest

from envsync.model.channel import redact_url, resolve_channel


@pytest.mark.parametrize(
    ("text", "subdir", "urls"),
    [
        ("conda-forge", "linux-64", ["https://conda.anaconda.org/conda-forge"]),
        (" conda-forge/ ", "linux-64", ["https://conda.anaconda.org/conda-forge"]),
        ("org/label/dev", "linux-64", ["https://conda.anaconda.org/org/label/dev"]),
        ("pkgs/main", "win-64", ["https://repo.anaconda.com/pkgs/main"]),
        ("pkgs/free", "linux-64", ["https://repo.anaconda.com/pkgs/free"]),
        ("https://conda.example.com/c/", "linux-64", ["https://conda.example.com/c"]),
        (
            "defaults",
            "linux-64",
            ["https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"],
        ),
        (
            "anaconda",
            "win-64",
            [
                "https://repo.anaconda.com/pkgs/main",
                "https://repo.anaconda.com/pkgs/r",
                "https://repo.anaconda.com/pkgs/msys2",
            ],
        ),
    ],
)
def test_a_channel_stands_for_its_addresses(text: str, subdir: str, urls: list[str]) -> None:
    assert list(resolve_channel(text, subdir).urls) == urls


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@conda.example.com/c",
        "https://conda.example.com/t/hunter2/c",
        "https://conda.example.com/c?token=hunter2",
    ],
)
def test_a_channel_is_called_by_its_address_without_what_is_secret(url: str) -> None:
    channel = resolve_channel(url, "linux-64")

    assert channel.name == "https://conda.example.com/c"
    assert channel.urls == (url,)
    assert redact_url(url) == channel.name
    assert redact_url(channel.name) == channel.name


@pytest.mark.parametrize(
    "text",
    [
        *("http:/user:hunter2@h/c", "http:\\\\user:hunter2@h/c", "http%3A%2F%2Fuser:hunter2@h/c"),
        *(
            "//user:hunter2@h/c",
            "user:hunter2@h/c",
            "user:hunter2@h:c",
            "http://user:a hunter2@h/c",
        ),
    ],
)
def test_a_password_in_a_misspelt_channel_is_neither_shown_nor_sent_elsewhere(text: str) -> None:
    channel = resolve_channel(text, "linux-64")

    assert "hunter2" not in channel.name
    assert channel.urls == (text,) or "hunter2" not in channel.urls[0]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://h/a?sig=S: it broke", "https://h/a: it broke"),
        ("see `https://h/a?b=c&sig=S`, then", "see `https://h/a`, then"),
        ("(https://h/a?sig=S)", "(https://h/a)"),
        ("https://h/a#sig=S", "https://h/a"),
        ("https://h/a&token=S", "https://h/a"),
        ("https://h/a%3Fsig%3DS", "https://h/a"),
        ("https://h/a?sig=S#sha256=0", "https://h/a#sha256=0"),
        ("git+https://h/a@v1#egg=x&subdirectory=s", "git+https://h/a@v1#egg=x&subdirectory=s"),
        ("https://u:p/w?d#@h/a.git@v1", "https://h/a.git@v1"),
        ("https://u:p%2Fw@h/a", "https://h/a"),
        ("https://u:p w@h/a", "https://h/a"),
        ("http:/u:p@h/a", "http:/h/a"),
        ("u:p@h/a", "h/a"),
        ("https://h/a#S", "https://h/a"),
        ("https://h/a#S::six", "https://h/a::six"),
        (f"https://h/a.conda#{'0' * 32}", f"https://h/a.conda#{'0' * 32}"),
    ],
)
def test_what_opens_an_address_is_cut_out_wherever_it_stands(text: str, left: str) -> None:
    assert redact_url(text) == left


def test_all_of_a_password_is_redacted_though_it_has_an_at_sign() -> None:
    assert redact_url("https://user:hunter@2@h/simple/a@1") == "https://h/simple/a@1"
    assert redact_url("git+ssh://git:hunter@2@h:22/a.git@v1") == "git+ssh://git@h:22/a.git@v1"
