from __future__ import annotations

import io

import pytest

from envsync.score.runtime.protocol import wire


def test_frames_come_back_as_they_went() -> None:
    frames = [({"a": "é\ud800"}, b""), ({}, b"\x00\xff"), ({"b": [1]}, b"x" * 100_000)]
    stream = io.BytesIO(b"".join(wire.pack(header, body) for header, body in frames))
    assert [wire.read(stream) for _ in range(4)] == [*frames, None]


@pytest.mark.parametrize("length", range(1, 20))
def test_a_frame_that_breaks_off_is_the_end(length: int) -> None:
    frame = wire.pack({"a": 1}, b"body")
    assert len(frame) == 20
    assert wire.read(io.BytesIO(frame[:length])) is None
