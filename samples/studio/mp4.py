"""What phones write into MP4 and QuickTime files and ffmpeg cannot: a small reader and writer of boxes (atoms).

Only files whose `moov` comes last are handled, as phones and ffmpeg write them. Then nothing that is changed in it moves
the media data, and no chunk offset needs correction.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CONTAINERS = frozenset([b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"])


@dataclass
class Box:
    """One box: its payload, or for the container kinds its children."""

    kind: bytes
    payload: bytes = b""
    children: list["Box"] | None = None

    def pack(self) -> bytes:
        body = self.payload if self.children is None else b"".join(child.pack() for child in self.children)
        return struct.pack(">I4s", len(body) + 8, self.kind) + body

    def find(self, path: str) -> "Box":
        """The box at a path of kinds: `"mdia.mdhd"`."""
        box = self
        for kind in path.encode().split(b"."):
            box = next(child for child in box.children or [] if child.kind == kind)
        return box

    def patch(self, offset: int, layout: str, *values: int) -> None:
        """Overwrites a field of the payload."""
        data = bytearray(self.payload)
        struct.pack_into(layout, data, offset, *values)
        self.payload = bytes(data)

    def field(self, offset: int, layout: str = ">I") -> int:
        return struct.unpack_from(layout, self.payload, offset)[0]


class Movie:
    """A whole file in memory."""

    def __init__(self, path: Path):
        self.boxes = _parse(path.read_bytes())
        self.moov = self.boxes[-1]
        if self.moov.kind != b"moov":
            raise ValueError(f"{path.name}: moov is not the last box")

    def save(self, path: Path) -> None:
        path.write_bytes(b"".join(box.pack() for box in self.boxes))

    @property
    def video(self) -> Box:
        return next(
            track
            for track in self.moov.children
            if track.kind == b"trak" and track.find("mdia.hdlr").payload[8:12] == b"vide"
        )

    def rotate_clockwise(self) -> None:
        """Display matrix of a phone held upright: players turn the coded picture 90 degrees clockwise."""
        header = self.video.find("tkhd")
        height = header.field(80)
        header.patch(40, ">9i", 0, 0x10000, 0, -0x10000, 0, 0, height, 0, 0x40000000)

    def set_frame_times(self, times: np.ndarray, end: float) -> None:
        """Gives each video frame its own time (seconds, the first 0) and drops the track's edit list."""
        media = self.video.find("mdia.mdhd")
        scale = media.field(12)
        ticks = np.round(np.append(times, end) * scale).astype(int)
        steps = np.diff(ticks)
        table = self.video.find("mdia.minf.stbl.stts")
        if sum(count for _, count in _runs(table)) != len(steps):
            raise ValueError("frame times and frames differ in number")
        table.payload = struct.pack(">II", 0, len(steps)) + b"".join(struct.pack(">II", 1, step) for step in steps)
        media.patch(16, ">I", int(ticks[-1]))
        header = self.moov.find("mvhd")
        length = round(end * header.field(12))
        self.video.find("tkhd").patch(20, ">I", length)
        header.patch(16, ">I", max(length, header.field(16)))
        self.video.children = [child for child in self.video.children if child.kind != b"edts"]

    def add_android_location(self, iso6709: str) -> None:
        """The `\\xa9xyz` string that Android phones put under `udta`."""
        text = iso6709.encode()
        entry = Box(b"\xa9xyz", struct.pack(">HH", len(text), 0x15C7) + text).pack()
        for child in self.moov.children:
            if child.kind == b"udta":
                child.payload += entry
                return
        self.moov.children.append(Box(b"udta", entry))

    def add_metadata_track(self, key: str, value: int) -> None:
        """A timed metadata track (`mebx`) with one 16-bit value for the whole clip, as iPhones record beside the video."""
        header = self.moov.find("mvhd")
        scale, length, number = header.field(12), header.field(16), header.field(96)
        sample = struct.pack(">IIh", 10, 1, value)
        offset = sum(len(box.pack()) for box in self.boxes[:-1]) + 8
        self.boxes.insert(-1, Box(b"mdat", sample))
        self.moov.children.insert(
            next(i for i, child in reversed(list(enumerate(self.moov.children))) if child.kind == b"trak") + 1,
            _metadata_track(key, number, self.video.find("tkhd").field(12), scale, length, len(sample), offset),
        )
        header.patch(96, ">I", number + 1)


def _parse(data: bytes) -> list[Box]:
    boxes, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            raise ValueError(f"box {kind!r} at {at} has the size {size}")
        body = data[at + 8 : at + size]
        boxes.append(Box(kind, children=_parse(body)) if kind in CONTAINERS else Box(kind, body))
        at += size
    return boxes


def _runs(table: Box) -> list[tuple[int, int]]:
    """The (step, count) pairs of a time-to-sample box."""
    return [
        struct.unpack_from(">II", table.payload, 8 + 8 * i)[::-1] for i in range(table.field(4))
    ]


def _metadata_track(key: str, number: int, describes: int, scale: int, length: int, size: int, offset: int) -> Box:
    """`describes` is the track that the values are about; the one sample has `size` bytes at `offset` in the file."""
    identity = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    name = b"mdta" + key.encode()
    int16 = struct.pack(">II", 0, 66)
    keys = Box(b"keys", Box(struct.pack(">I", 1), Box(b"keyd", name).pack() + Box(b"dtyp", int16).pack()).pack())
    entry = Box(b"mebx", struct.pack(">6xH", 1) + keys.pack())
    copy_mode = struct.pack(">IHHHHHH", 0, 0x40, 0x8000, 0x8000, 0x8000, 0, 0)
    tables = [
        Box(b"stsd", struct.pack(">II", 0, 1) + entry.pack()),
        Box(b"stts", struct.pack(">IIII", 0, 1, 1, length)),
        Box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1)),
        Box(b"stsz", struct.pack(">IIII", 0, 0, 1, size)),
        Box(b"stco", struct.pack(">III", 0, 1, offset)),
    ]
    minf = [
        Box(b"gmhd", Box(b"gmin", copy_mode).pack()),
        Box(b"dinf", Box(b"dref", struct.pack(">II", 0, 1) + Box(b"url ", struct.pack(">I", 1)).pack()).pack()),
        Box(b"stbl", children=tables),
    ]
    mdia = [
        Box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, scale, length, 0, 0)),
        Box(b"hdlr", struct.pack(">I4s4s12x", 0, b"mhlr", b"meta") + b"\x13Core Media Metadata"),
        Box(b"minf", children=minf),
    ]
    return Box(
        b"trak",
        children=[
            Box(b"tkhd", struct.pack(">IIIIII8xHHHH", 15, 0, 0, number, 0, length, 0, 0, 0, 0) + identity + bytes(8)),
            Box(b"tref", Box(b"cdsc", struct.pack(">I", describes)).pack()),
            Box(b"mdia", children=mdia),
        ],
    )
