"""Frames of the link layer: exact bytes, damaged bytes, streams in any fragmentation."""

from random import Random

from hypothesis import given, strategies as st
import pytest

from custom_components.mbus.protocol.errors import FrameError
from custom_components.mbus.protocol.line import frame as frame_module
from custom_components.mbus.protocol.line.frame import (
    ACK,
    Frame,
    FrameReader,
    Garbage,
    Received,
    Single,
    long_frame,
    parse_frame,
    short_frame,
)

REPLY = bytes.fromhex(
    "68 29 29 68 08 01 72 78 56 34 12 24 23 2F 04 01 00 00 00 0C 78 78 56 34 12 04 06 39 30 00 00"
    "04 13 15 CD 5B 07 02 5A A5 02 02 5E 8A 01 5E 16"
)


def joined(received: list[Received]) -> list[Received]:
    """Neighbouring garbage as one piece: where it is cut depends on the fragmentation."""
    result: list[Received] = []
    for item in received:
        if isinstance(item, Garbage) and result and isinstance(result[-1], Garbage):
            result[-1] = Garbage(result[-1].data + item.data)
        else:
            result.append(item)
    return result


def raw(item: Received) -> bytes:
    """Give the bytes that an item was made of."""
    match item:
        case Garbage(data):
            return data
        case Single():
            return ACK
        case Frame():
            return bytes(item)


def read(data: bytes) -> list[Received]:
    """Everything that a reader makes of a whole stream."""
    reader = FrameReader()
    return joined(reader.feed(data) + reader.flush())


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (short_frame(0x40, 1), "10 40 01 41 16"),
        (short_frame(0x7B, 0xFD), "10 7B FD 78 16"),
        (long_frame(0x53, 1, 0xB8), "68 03 03 68 53 01 B8 0C 16"),
        (
            long_frame(0x53, 0xFD, 0x52, bytes.fromhex("78563412FFFFFFFF")),
            "68 0B 0B 68 53 FD 52 78 56 34 12 FF FF FF FF B2 16",
        ),
    ],
)
def test_frames_of_the_standard(frame: bytes, expected: str) -> None:
    """Frames are built as the documents print them."""
    assert frame == bytes.fromhex(expected)


def test_longest_frame() -> None:
    """252 bytes of data fit, 253 do not."""
    assert len(long_frame(0x08, 1, 0x72, bytes(252))) == 261
    with pytest.raises(FrameError, match="252"):
        long_frame(0x08, 1, 0x72, bytes(253))


def test_parse_long_frame() -> None:
    """The fields of a reply."""
    frame = parse_frame(REPLY)
    assert frame.control == 0x08
    assert frame.address == 1
    assert frame.control_information == 0x72
    assert frame.data == REPLY[7:-2]
    assert not frame.from_master
    assert bytes(frame) == REPLY


def test_flags_of_a_reply() -> None:
    """ACD and DFC are flags of replies only."""
    assert parse_frame(long_frame(0x28, 1, 0x72)).access_demand
    assert parse_frame(long_frame(0x18, 1, 0x72)).busy
    request = parse_frame(short_frame(0x7B, 1))
    assert request.from_master
    assert not request.access_demand
    assert not request.busy


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no bytes"),
        (ACK, "starts with"),
        (bytes.fromhex("68000068"), "not that of a frame"),
        (bytes.fromhex("6802026808010916"), "not that of a frame"),
        (bytes.fromhex("68030468080172"), "not that of a frame"),
        (REPLY[:-1], "46 bytes instead of 47"),
        (REPLY + b"\x00", "48 bytes instead of 47"),
        (REPLY[:-1] + b"\x17", "last byte is 17"),
        (REPLY[:-2] + b"\x5f\x16", "checksum 5F instead of 5E"),
        (REPLY[:20] + b"\x79" + REPLY[21:], "checksum"),
        (bytes.fromhex("1040014216"), "checksum 42 instead of 41"),
    ],
)
def test_damaged_frames(data: bytes, message: str) -> None:
    """Each kind of damage is named."""
    with pytest.raises(FrameError, match=message):
        parse_frame(data)


def test_reader_ends_a_frame_by_its_length() -> None:
    """The last byte completes the frame; a 16 within the data does not end it."""
    frame = long_frame(0x08, 1, 0x72, b"\x16\x16\x16")
    reader = FrameReader()
    assert reader.feed(frame[:-1]) == []
    assert reader.pending
    assert reader.feed(frame[-1:]) == [parse_frame(frame)]
    assert not reader.pending


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (ACK, [Single.ACK]),
        (ACK + ACK, [Single.ACK, Single.ACK]),
        (b"\x00\xff" + REPLY, [Garbage(b"\x00\xff"), parse_frame(REPLY)]),
        (b"\x68" + REPLY, [Garbage(b"\x68"), parse_frame(REPLY)]),
        (b"\x68\x68" + REPLY, [Garbage(b"\x68\x68"), parse_frame(REPLY)]),
        (REPLY[:30] + REPLY, [Garbage(REPLY[:30]), parse_frame(REPLY)]),
        (REPLY + b"\x00", [parse_frame(REPLY), Garbage(b"\x00")]),
        (
            short_frame(0x7B, 1) + REPLY + ACK,
            [parse_frame(short_frame(0x7B, 1)), parse_frame(REPLY), Single.ACK],
        ),
        (bytes.fromhex("68000068"), [Garbage(bytes.fromhex("68000068"))]),
        (b"\x00" + ACK, [Garbage(b"\x00"), Single.ACK]),
    ],
)
def test_reader_resynchronises(stream: bytes, expected: list[Received]) -> None:
    """Sound frames come out whatever is before and after them."""
    assert read(stream) == expected


def test_no_acknowledgement_out_of_a_broken_frame() -> None:
    """E5 is a common data byte: in a frame that broke it acknowledges nothing."""
    frame = bytearray(long_frame(0x08, 1, 0x72, bytes(4) + ACK + bytes(4)))
    frame[8] ^= 0x01
    assert read(bytes(frame)) == [Garbage(bytes(frame))]
    assert read(bytes(frame[:12])) == [Garbage(bytes(frame[:12]))]


def test_after_silence_an_acknowledgement_counts_again() -> None:
    """What was broken is forgotten when the line was idle."""
    reader = FrameReader()
    reader.feed(REPLY[:10])
    assert reader.flush() == [Garbage(REPLY[:10])]
    assert reader.feed(ACK) == [Single.ACK]


frames = st.builds(
    long_frame,
    st.sampled_from([0x08, 0x18, 0x28, 0x38]),
    st.integers(0, 250),
    st.sampled_from([0x70, 0x72, 0x73, 0x78]),
    st.binary(max_size=252),
)


@given(st.lists(frames | st.just(ACK), max_size=4), st.data())
def test_any_fragmentation(parts: list[bytes], data: st.DataObject) -> None:
    """However the stream is cut, the same frames come out."""
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = FrameReader()
    received: list[Received] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += reader.feed(stream[start:end])
    assert received == [
        Single.ACK if part == ACK else parse_frame(part) for part in parts
    ]
    assert not reader.pending


@given(st.lists(st.binary(max_size=20) | frames | st.just(ACK), max_size=8), st.data())
def test_any_fragmentation_of_anything(parts: list[bytes], data: st.DataObject) -> None:
    """Fed in pieces, a stream gives what it gives at once."""
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = FrameReader()
    received: list[Received] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += reader.feed(stream[start:end])
    assert joined(received + reader.flush()) == read(stream)


@given(st.binary(max_size=600))
def test_no_byte_is_lost_or_invented(stream: bytes) -> None:
    """Whatever comes, the pieces put together are what was fed."""
    assert stream == b"".join(raw(item) for item in read(stream))


@given(st.binary(max_size=300))
def test_parsing_anything_raises_only_frame_errors(data: bytes) -> None:
    """Random bytes are refused by name or are exactly the frame they parse to."""
    try:
        frame = parse_frame(data)
    except FrameError:
        return
    assert bytes(frame) == data


@pytest.mark.parametrize(
    "flood",
    [
        bytes(1 << 20),
        b"\xe5" * (1 << 20),
        b"\x68" * (1 << 20),
        b"\x68\xff\xff\x68" * (1 << 18),
        (b"\x68\x03\x03\x68\x08\x01\x70\x00\x16" * (1 << 17)),
        Random(1).randbytes(1 << 20),
    ],
    ids=[
        "zeros",
        "acknowledgements",
        "starts",
        "long frames",
        "bad checksums",
        "noise",
    ],
)
def test_a_flood_costs_its_bytes(flood: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte is looked at as the start of a frame once, and no more than a frame is kept."""
    looked_at = 0
    expected_length = frame_module._expected_length

    def counted(data: bytes) -> int:
        nonlocal looked_at
        looked_at += 1
        return expected_length(data)

    monkeypatch.setattr(frame_module, "_expected_length", counted)
    reader = FrameReader()
    received, piece = 0, 4096
    for start in range(0, len(flood), piece):
        items = reader.feed(flood[start : start + piece])
        received += sum(len(raw(item)) for item in items)
        assert start + piece - received <= 261
    received += sum(len(raw(item)) for item in reader.flush())
    assert received == len(flood)
    # One look more for each piece that ended in the middle of a frame.
    assert looked_at <= len(flood) + len(flood) // piece + 261
