"""Films a scene: draws every frame, grades it as the phone would and has ffmpeg encode it beside the sound."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cairo
import numpy as np

from .person import CHIN, Person, Pose, draw_person
from .room import Room, paint_room

GRAIN_SEED = 20260914
OVERSCAN = 1.02
"""How much larger than the frame the room is painted, so that a moving hand shows no edge."""


@dataclass(frozen=True)
class Framing:
    """What the camera sees. Sizes are those on display, in pixels; places and lengths are shares of them."""

    width: int
    height: int
    face_x: float = 0.5
    face_y: float = 0.385
    face_height: float = 0.28
    handheld: float = 0.0
    """How far the hand moves the picture at most, in frame heights."""

    @property
    def chin_y(self) -> float:
        return self.face_y + CHIN * self.face_height


@dataclass(frozen=True)
class Camera:
    """How a phone writes what it sees."""

    rate: Fraction
    codec: str
    """`h264` or `hevc`."""
    crf: float
    grade: str = "sdr"
    """`sdr` (BT.709), `full` (full-range BT.601, as Android) or `hlg` (BT.2020 HLG, 10 bits, as iPhone)."""
    sideways: bool = False
    """Coded on its side; a display matrix puts it upright."""
    grain: int = 3
    """Strength of the sensor's noise, in steps of 8 bits."""
    timescale: int = 90_000
    preset: str = "medium"


# Frames --------------------------------------------------------------------------------------------------------------


def draw_frames(
    room: Room, person: Person, framing: Framing, times: np.ndarray, mouth: tuple[np.ndarray, np.ndarray], seed: int
) -> Iterator[memoryview]:
    """Every frame as BGRX bytes."""
    width, height = framing.width, framing.height
    wall = paint_room(room, round(width * OVERSCAN), round(height * OVERSCAN))
    frame = cairo.ImageSurface(cairo.FORMAT_RGB24, width, height)
    pen = cairo.Context(frame)
    head = framing.face_height * height
    shake = framing.handheld * height
    for time, pose in zip(times, poses(times, mouth, seed)):
        pen.save()
        pen.translate(shake * _wave(time, 0.23, seed), shake * _wave(time, 0.31, seed + 1))
        pen.set_source_surface(wall, (width - wall.get_width()) / 2, (height - wall.get_height()) / 2)
        pen.paint()
        pen.translate(framing.face_x * width, framing.face_y * height)
        pen.scale(head, head)
        draw_person(pen, person, pose, room.light_from)
        pen.restore()
        frame.flush()
        yield frame.get_data()


def poses(times: np.ndarray, mouth: tuple[np.ndarray, np.ndarray], seed: int) -> Iterator[Pose]:
    """Somebody who talks: the mouth follows the voice; blinks, brows and sway are their own."""
    rng = np.random.default_rng(seed)
    lids = blinks(times, rng)
    brows = np.convolve(mouth[0], np.hanning(25) / 12, mode="same") if len(times) > 25 else mouth[0]
    for time, opened, rounded, lid, brow in zip(times, *mouth, lids, brows):
        yield Pose(
            opened=float(opened) if opened > 0.05 else 0.0,
            round=float(rounded) * min(1.0, 2 * float(opened)),
            lids=float(lid),
            brows=float(np.clip(brow * 1.3 - 0.25, 0, 1)) * (0.5 + 0.5 * _wave(time, 0.19, seed + 2)),
            gaze=float(np.clip(1.6 * _wave(time, 0.13, seed + 3), -1, 1)) * 0.5,
            lean=0.030 * _wave(time, 0.27, seed + 4),
            sway=(0.028 * _wave(time, 0.21, seed + 5), 0.012 * _wave(time, 0.43, seed + 6)),
            breath=0.008 * np.sin(2 * np.pi * time / 3.7),
        )


def blinks(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How far the lids are down (0-1): a blink of a fifth of a second every few seconds."""
    lids = np.zeros(len(times))
    at = rng.uniform(0.8, 1.6)
    while at < times[-1]:
        lids = np.maximum(lids, np.clip(1.6 - np.abs(times - at) / 0.065, 0, 1))
        at += rng.uniform(1.8, 4.0)
    return lids


def _wave(time: float, hertz: float, seed: int) -> float:
    """A slow, smooth, never quite repeating movement between -1 and 1."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, 2)
    return float(0.7 * np.sin(2 * np.pi * hertz * time + phase[0]) + 0.3 * np.sin(2 * np.pi * 2.37 * hertz * time + phase[1]))


def even_times(seconds: float, rate: Fraction) -> np.ndarray:
    """Frame times at a constant rate."""
    return np.arange(int(seconds * rate)) / float(rate)


def irregular_times(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Frame times of a phone that is short of light and of breath: 24 to 30 fps, some jitter, some frames lost."""
    times, now = [], 0.0
    while now < seconds - 0.05:
        if not times or rng.random() > 0.05:
            times.append(now if not times else now + rng.normal(0, 0.0025))
        now += 1 / (27 + 3 * np.sin(now * 1.1))
    return np.array(times)


# Grading and encoding ------------------------------------------------------------------------------------------------


def hlg_cube(path: Path, size: int = 65) -> None:
    """Writes the look-up table from sRGB to BT.2020 HLG, as ITU-R BT.2408 maps SDR: white at 203 of 1000 cd/m2, 75% of the signal."""
    signal = np.linspace(0, 1, size)
    linear = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    blue, green, red = np.meshgrid(linear, linear, linear, indexing="ij")
    bt709_to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    shown = 0.203 * np.stack([red, green, blue], -1).reshape(-1, 3) @ bt709_to_2020.T
    luminance = shown @ np.array([0.2627, 0.6780, 0.0593])
    scene = shown * np.maximum(luminance, 1e-9)[:, None] ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    coded = np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)
    rows = "\n".join("%.6f %.6f %.6f" % tuple(row) for row in np.clip(coded, 0, 1))
    path.write_text(f"LUT_3D_SIZE {size}\n{rows}\n")


def _filters(camera: Camera) -> str:
    turn = ["transpose=cclock"] if camera.sideways else []
    grain = f"noise=all_seed={GRAIN_SEED}:c0_flags=t:c0_strength={camera.grain}"
    if camera.grade == "hlg":
        grain = f"noise=all_seed={GRAIN_SEED}:all_flags=t:all_strength={camera.grain}"
        chain = ["format=gbrp", grain, "format=gbrp16le", "lut3d=hlg.cube:interp=tetrahedral"]
        planes = "zscale=matrixin=gbr:rangein=full:matrix=2020_ncl:range=limited"
        same = "transferin=arib-std-b67:transfer=arib-std-b67:primariesin=2020:primaries=2020"
        chain += [f"{planes}:{same}", "format=yuv420p10le"]
    else:
        matrix, reach, pixels = ("bt601", "full", "yuvj420p") if camera.grade == "full" else ("bt709", "tv", "yuv420p")
        scale = f"scale=out_color_matrix={matrix}:out_range={reach}:flags=bicubic+accurate_rnd+full_chroma_int"
        chain = [scale, f"format={pixels}", grain]
    return ",".join(turn + chain)


def _colour_tags(camera: Camera) -> list[str]:
    matrix, primaries, transfer, reach = {
        "sdr": ("bt709", "bt709", "bt709", "tv"),
        "full": ("bt470bg", "bt470bg", "smpte170m", "pc"),
        "hlg": ("bt2020nc", "bt2020", "arib-std-b67", "tv"),
    }[camera.grade]
    return ["-colorspace", matrix, "-color_primaries", primaries, "-color_trc", transfer, "-color_range", reach]


def _encoder(camera: Camera) -> list[str]:
    """One fixed number of threads, so that every machine writes the same bits."""
    quality = ["-crf", str(camera.crf), "-preset", camera.preset, "-g", str(round(camera.rate))]
    if camera.codec == "hevc":
        return ["-c:v", "libx265", "-tag:v", "hvc1", "-x265-params", "pools=2:frame-threads=1:log-level=error", *quality]
    return ["-c:v", "libx264", "-profile:v", "high", "-bf", "0", "-threads", "2", *quality]


def film(
    path: Path, frames: Iterator[memoryview], framing: Framing, camera: Camera, sound: Path, sound_rate: int, more: list[str]
) -> None:
    """Encodes frames and sound into `path`; `more` are ffmpeg's output options for the container."""
    if camera.grade == "hlg":
        hlg_cube(path.parent / "hlg.cube")
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "bgr0", "-s", f"{framing.width}x{framing.height}", "-r", str(camera.rate), "-i", "pipe:0"]
    command += ["-i", sound.name, "-map", "0:v", "-map", "1:a", "-map_metadata", "-1"]
    command += ["-vf", _filters(camera), *_encoder(camera), *_colour_tags(camera), "-video_track_timescale", str(camera.timescale)]
    command += ["-c:a", "aac", "-b:a", "96k", "-ar", str(sound_rate)]
    command += ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", *more, path.name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=path.parent) as encoder:
        for frame in frames:
            encoder.stdin.write(frame)
        encoder.stdin.close()
    if encoder.returncode != 0:
        raise RuntimeError(f"ffmpeg could not encode {path.name}")
