"""From clean speech to what a phone's microphone records: level, room tone, channels."""

import re
import subprocess
import wave
from pathlib import Path

import numpy as np

from .voice import RATE


def room_tone(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of an empty room (falling 4 dB an octave from 80 Hz on), RMS 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    spectrum *= (frequency / 80) ** -0.66 / (1 + (60 / frequency) ** 4)
    noise = np.fft.irfft(spectrum, count)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def record(
    path: Path, voice: np.ndarray, lufs: float, below_voice: float, channels: int, rng: np.random.Generator
) -> None:
    """Writes a 16-bit WAV of `voice` in a room whose tone lies `below_voice` dB under it, at `lufs` as it is coded."""
    spoken = voice[np.abs(voice) > 0.01]
    tone = np.sqrt(np.mean(spoken**2)) * 10 ** (-below_voice / 20)
    tracks = [voice + tone * room_tone(len(voice), rng) for _ in range(channels)]
    sound = np.stack(tracks, axis=1)
    _write(path, sound)
    gain = 10 ** ((lufs - loudness(path)) / 20)
    if np.abs(sound * gain).max() >= 1:
        raise ValueError(f"{path.name} would clip at {lufs} LUFS")
    _write(path, sound * gain)


def loudness(path: Path) -> float:
    """Integrated loudness in LUFS (EBU R128)."""
    command = ["ffmpeg", "-hide_banner", "-nostats", "-i", str(path), "-map", "0:a:0", "-af", "ebur128", "-f", "null", "-"]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", log)[-1])


def _write(path: Path, sound: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(sound.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
