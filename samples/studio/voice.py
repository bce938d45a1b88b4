"""Synthetic speech with true times: flite speaks, its phoneme durations tell when each word was said."""

import re
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

RATE = 16_000
"""Samples per second of flite's voices."""

PAUSE = "pau"
VOWELS = frozenset("aa ae ah ao aw ax axr ay eh el em en er ey ih iy ow oy uh uw".split())
CLOSED_LIPS = frozenset("b m p".split())
ROUND_LIPS = frozenset("ao ow oy uh uw w sh ch jh r".split())


@dataclass(frozen=True)
class Span:
    """A stretch of speech, or a phoneme; times in seconds."""

    text: str
    start: float
    end: float

    def shifted(self, by: float) -> "Span":
        return Span(self.text, self.start + by, self.end + by)

    def as_truth(self) -> dict:
        return {"text": self.text, "start": round(self.start, 3), "end": round(self.end, 3)}


@dataclass(frozen=True)
class Speech:
    """Everything spoken in one clip. `pcm` is mono at `RATE`, full scale 1.0."""

    pcm: np.ndarray
    sentences: list[Span]
    words: list[Span]
    phones: list[Span]

    @property
    def seconds(self) -> float:
        return len(self.pcm) / RATE


def bare(word: str) -> str:
    """The word without the punctuation around it: `"bumps?"` gives `"bumps"`."""
    return word.strip(".,?!;:\"")


def unknown_words(text: str, vocabulary: set[str]) -> list[str]:
    """Words of `text` that `vocabulary` (lower case) does not hold."""
    return [word for word in map(bare, text.split()) if word.lower() not in vocabulary]


def compose(voice: str, sentences: list[str], pauses: list[float], lead: float, tail: float) -> Speech:
    """Speaks the sentences one by one, `pauses[i]` seconds of silence after sentence i (but the last)."""
    gaps = [lead, *pauses]
    if len(gaps) != len(sentences):
        raise ValueError(f"{len(sentences)} sentences need {len(sentences) - 1} pauses, not {len(pauses)}")
    pieces, spans, words, phones = [], [], [], []
    clock = 0
    for text, gap in zip(sentences, gaps):
        pcm, spoken = speak(voice, text)
        silence = np.zeros(round(gap * RATE), np.float32)
        at = (clock + len(silence)) / RATE
        said = align_words(voice, text, spoken)
        spans.append(Span(text, said[0].start, said[-1].end).shifted(at))
        words += [word.shifted(at) for word in said]
        phones += [phone.shifted(at) for phone in spoken]
        pieces += [silence, pcm]
        clock += len(silence) + len(pcm)
    pieces.append(np.zeros(round(tail * RATE), np.float32))
    return Speech(np.concatenate(pieces), spans, words, phones)


def speak(voice: str, text: str) -> tuple[np.ndarray, list[Span]]:
    """One sentence without the silence flite puts around it, and its phonemes from 0 s on."""
    listing, pcm = _flite(voice, text)
    phones, start = [], 0.0
    for name, end in re.findall(r"(\w+):([\d.]+)", listing):
        phones.append(Span(name, start, float(end)))
        start = float(end)
    while phones[0].text == PAUSE:
        phones.pop(0)
    while phones[-1].text == PAUSE:
        phones.pop()
    first, last = phones[0].start, phones[-1].end
    pcm = pcm[round(first * RATE) : round(last * RATE)].copy()
    ramp = np.linspace(0, 1, RATE // 200, dtype=np.float32)
    pcm[: len(ramp)] *= ramp
    pcm[-len(ramp) :] *= ramp[::-1]
    return pcm, [phone.shifted(-first) for phone in phones]


def align_words(voice: str, text: str, phones: list[Span]) -> list[Span]:
    """Gives each phoneme of a spoken sentence to a word.

    flite prints a sentence's phonemes without word borders, so every word is pronounced on its own as well and the two
    lists are aligned. Sounds change a little in context ("a" is `ey` alone and `ax` in a sentence), never their order.
    """
    spoken = [phone for phone in phones if phone.text != PAUSE]
    expected = [(sound, index) for index, word in enumerate(text.split()) for sound in _pronounce(voice, bare(word))]
    owners = _align([sound for sound, _ in expected], [phone.text for phone in spoken])
    words = []
    for index, word in enumerate(text.split()):
        own = [phone for phone, owner in zip(spoken, owners) if expected[owner][1] == index]
        if not own:
            raise ValueError(f"no phoneme of {text!r} belongs to {word!r}")
        words.append(Span(bare(word), own[0].start, own[-1].end))
    return words


def _align(expected: list[str], spoken: list[str]) -> list[int]:
    """For each spoken sound the index of the expected one that it is nearest to, in order (edit distance)."""
    rows, columns = len(spoken) + 1, len(expected) + 1
    cost = np.zeros((rows, columns))
    cost[:, 0] = np.arange(rows)
    cost[0, :] = np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            swap = cost[i - 1, j - 1] + _distance(spoken[i - 1], expected[j - 1])
            cost[i, j] = min(swap, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    owners = [0] * len(spoken)
    i, j = rows - 1, columns - 1
    while i > 0:
        if j > 0 and cost[i, j] == cost[i - 1, j - 1] + _distance(spoken[i - 1], expected[j - 1]):
            i, j = i - 1, j - 1
            owners[i] = j
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            owners[i] = max(j - 1, 0)
        else:
            j -= 1
    return owners


def _distance(one: str, other: str) -> float:
    if one == other:
        return 0.0
    return 0.5 if (one in VOWELS) == (other in VOWELS) else 1.5


@lru_cache(maxsize=None)
def _pronounce(voice: str, word: str) -> tuple[str, ...]:
    listing = subprocess.run(
        ["flite", "-voice", voice, "-ps", "-t", word, "-o", "none"], check=True, capture_output=True, text=True
    ).stdout
    return tuple(sound for sound in listing.split() if sound != PAUSE)


def _flite(voice: str, text: str) -> tuple[str, np.ndarray]:
    """flite's list of phoneme end times, and the sound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        command = ["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(path)]
        listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        with wave.open(str(path)) as sound:
            if sound.getframerate() != RATE or sound.getnchannels() != 1:
                raise ValueError(f"flite's voice {voice} is not mono at {RATE} Hz")
            pcm = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    return listing, pcm.astype(np.float32) / 32768


def mouth(speech: Speech, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far open (0-1) and how round (0-1) the mouth is at each time: the loudness opens it, the sounds shape it."""
    half = RATE // 40
    padded = np.pad(speech.pcm.astype(np.float64) ** 2, half)
    summed = np.concatenate([[0], np.cumsum(padded)])
    centres = np.clip((times * RATE).astype(int), 0, len(speech.pcm) - 1)
    rms = np.sqrt((summed[centres + 2 * half] - summed[centres]) / (2 * half))
    loud = np.percentile(rms[rms > rms.max() / 50], 90)
    opened = np.clip(rms / loud, 0, 1.15) ** 0.75
    rounded = np.zeros_like(opened)
    for phone in speech.phones:
        inside = (times >= phone.start - 0.02) & (times <= phone.end + 0.01)
        if phone.text in CLOSED_LIPS:
            opened[inside] *= 0.15
        elif phone.text in ROUND_LIPS:
            rounded[inside] = 1
        elif phone.text not in VOWELS:
            opened[inside] *= 0.6
    per_second = 1 / max(np.median(np.diff(times)), 1e-3)
    return _smooth(opened, 0.05 * per_second), _smooth(rounded, 0.09 * per_second)


def _smooth(values: np.ndarray, width: float) -> np.ndarray:
    """Hann-weighted mean; `width` in frames."""
    window = np.hanning(2 * round(width) + 3)[1:-1]
    return np.convolve(values, window / window.sum(), mode="same")
