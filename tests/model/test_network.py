from envsync.model.network import Network


def test_proxies_are_told_as_programs_know_them() -> None:
    network = Network(
        http_proxy="http://p:1", https_proxy="http://q:2", direct_hosts=("a.example", "127.0.0.1")
    )

    assert network.list_variables() == {
        "HTTP_PROXY": "http://p:1",
        "HTTPS_PROXY": "http://q:2",
        "NO_PROXY": "a.example,127.0.0.1",
    }


def test_where_nothing_is_said_nothing_is_told() -> None:
    assert Network().list_variables() == {}
