#!/usr/bin/env python3
"""Makes Housecall's sample clips: invented clinicians, drawn and spoken by machine, filed as phones would file them.

    python3 samples/make_samples.py                     everything (some minutes)
    python3 samples/make_samples.py razor-bumps logo    some of it
    python3 samples/make_samples.py --vocabulary FILE   refuse scripts with words that FILE does not list

Needs ffmpeg (with libx264, libx265, zimg), flite, numpy and pycairo. The same versions of these write the same bytes.
"""

import argparse
import csv
import json
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from studio import sound, voice
from studio.film import Camera, Framing, draw_frames, even_times, film, irregular_times
from studio.logo import draw_logo
from studio.mp4 import Movie
from studio.person import Person
from studio.room import Room

HERE = Path(__file__).resolve().parent
CLIPS, TRUTH = HERE / "clips", HERE / "truth"
SILENCE = 0.5
"""Seconds before the first word and after the last."""


@dataclass(frozen=True)
class Sound:
    """What the microphone gets."""

    rate: int = 48_000
    channels: int = 1
    lufs: float = -20.0
    """Integrated loudness as coded."""
    below_voice: float = 50.0
    """How many dB the room's tone lies under the voice."""


@dataclass(frozen=True)
class Clip:
    """One clip: who says what, where, and into which phone."""

    file: str
    speaker: str
    script: list[str]
    room: Room
    person: Person
    framing: Framing
    camera: Camera
    sound: Sound = Sound()
    pauses: list[float] | None = None
    """Seconds after each sentence but the last; a short breath where not given."""
    metadata: dict[str, str] = field(default_factory=dict)
    location: str | None = None
    """ISO 6709 place that is written the way Android does."""
    container: list[str] = field(default_factory=list)
    irregular: bool = False
    """Frames come when they come."""
    timed_metadata: bool = False
    handlers: tuple[str, str] = ("VideoHandle", "SoundHandle")
    """What the phone calls its picture and sound tracks."""

    @property
    def stem(self) -> str:
        return Path(self.file).stem

    @property
    def seed(self) -> int:
        """The clip's own, and the same on every run."""
        return zlib.crc32(self.stem.encode())


PORTRAIT = Framing(1080, 1920)

CAST = [
    Clip(
        file="razor-bumps.mov",
        speaker="rms",
        script=[
            "How do I get rid of razor bumps?",
            "First, wash your face in the morning.",
            "Second, try salicylic acid for two weeks.",
            "If it does not get better in ten days, see your dermatologist.",
            "Thanks for watching, and see you next time.",
        ],
        room=Room("#b9cdc9", window=0.18, print_at=0.88),
        person=Person(skin="#a8714c", hair="#241a17", iris="#4a2f1f", hairstyle="short", top="#2f5d7c", beard=0.55, lips=0.12),
        framing=Framing(1080, 1920, handheld=0.0020),
        camera=Camera(Fraction(30), "hevc", 21, grade="hlg", sideways=True, grain=7, timescale=600),
        sound=Sound(rate=44_100, channels=2),
        metadata={
            "creation_time": "2026-09-14T09:41:07Z",
            "com.apple.quicktime.location.ISO6709": "+12.3456-065.4321+007.000/",
            "com.apple.quicktime.make": "Example Phones",
            "com.apple.quicktime.model": "Example Phone 26 Pro",
            "com.apple.quicktime.software": "26.0",
            "com.apple.quicktime.creationdate": "2026-09-14T05:41:07-0400",
        },
        container=["-timecode", "09:41:07:00", "-movflags", "use_metadata_tags"],
        timed_metadata=True,
        handlers=("Core Media Video", "Core Media Audio"),
    ),
    Clip(
        file="VID_20260914_101500.mp4",
        speaker="slt",
        script=[
            "A patient asked me about tennis elbow this week.",
            "What helps with tennis elbow?",
            "The best thing you can do is rest.",
            "Ibuprofen can help with tennis elbow, but stretch too.",
            "Thanks for watching, and see you next time.",
        ],
        room=Room("#d8cfc0", door=0.13, window=0.86, plant=0.66, light_from=1),
        person=Person(skin="#f0c8a8", hair="#6b4226", iris="#5b7f95", hairstyle="bob", top="#8a5a83", coat=True, lips=0.4, lashes=True),
        framing=Framing(1920, 1080, face_x=0.42, face_y=0.40, face_height=0.38, handheld=0.0025),
        camera=Camera(Fraction(30), "h264", 25, grade="full", grain=4),
        sound=Sound(channels=2),
        metadata={
            "creation_time": "2026-09-14T10:15:00Z",
            "com.android.version": "16",
            "com.android.manufacturer": "Example Mobile",
            "com.android.model": "EX-1000",
        },
        location="+12.3456-065.4321/",
        container=["-movflags", "use_metadata_tags"],
        irregular=True,
    ),
    Clip(
        file="fever-in-children.mp4",
        speaker="slt",
        script=["When should I worry about a fever?", "If it does not get better in three days, see your doctor."],
        room=Room("#e3d3c3", shelf=0.85, plant=0.12),
        person=Person(skin="#d9a57c", hair="#2f7f86", iris="#4b3222", hairstyle="scarf", top="#f0e6d8", coat=True, lips=0.4, lashes=True),
        framing=Framing(2160, 3840),
        camera=Camera(Fraction(30), "hevc", 26, sideways=True, grain=7, preset="fast"),
        metadata={"creation_time": "2026-09-15T08:02:30Z"},
    ),
    Clip(
        file="dry-skin-in-winter.mp4",
        speaker="rms",
        script=[
            "Today we are talking about dry skin.",
            "Avoid hot water, because it dries out your skin.",
            "I recommend fragrance free lotion for dry skin.",
            "Try petroleum jelly for two weeks before you decide.",
        ],
        room=Room("#c4cfdb", window=0.90, light_from=1),
        person=Person(
            skin="#eec3a3", hair="#b9b6b2", iris="#5d7d6a", hairstyle="thin", top="#5f86b3", coat=True, glasses=True, stethoscope=True,
            lips=0.12, lines=0.25,
        ),
        framing=PORTRAIT,
        camera=Camera(Fraction(30), "h264", 24),
        sound=Sound(lufs=-35.0, below_voice=27.0),
        metadata={"creation_time": "2026-09-16T12:30:00Z"},
    ),
    Clip(
        file="root-canal.m4v",
        speaker="slt",
        script=[
            "Does a root canal hurt?",
            "The short answer is no.",
            "A root canal is more common than you think.",
            "Talk to your dentist before you start an antibiotic.",
        ],
        pauses=[2.0, 3.0, 3.8],
        room=Room("#e2d6b8", door=0.88, print_at=0.30, plant=0.10),
        person=Person(skin="#7a4a30", hair="#1c1413", iris="#33200f", hairstyle="bun", top="#4fa3a0", lips=0.25, lashes=True),
        framing=Framing(1280, 720, face_x=0.57, face_y=0.42, face_height=0.37),
        camera=Camera(Fraction(25), "h264", 22, grain=4),
        sound=Sound(below_voice=42.0),
        metadata={"creation_time": "2026-09-17T15:45:10Z"},
    ),
    Clip(
        file="headache-medicine.mp4",
        speaker="slt",
        script=[
            "Can I take ibuprofen with acetaminophen?",
            "Ibuprofen and acetaminophen work in different ways.",
            "You can take ibuprofen every six hours.",
            "Too much ibuprofen can upset your stomach.",
            "If it does not get better in five days, see your doctor.",
        ],
        room=Room("#cfdccb", window=0.12, door=0.90),
        person=Person(
            skin="#f6d3bd", hair="#a8492a", iris="#4f8a63", hairstyle="long", top="#3c7a57", coat=True, stethoscope=True, lips=0.4, lashes=True
        ),
        framing=PORTRAIT,
        camera=Camera(Fraction(60_000, 1001), "h264", 25, timescale=60_000),
        metadata={"creation_time": "2026-09-18T11:20:45Z"},
    ),
]

QUESTIONS = {
    "razor-bumps.mov": "How do I get rid of razor bumps?",
    "dry-skin-in-winter.mp4": "My skin gets dry every winter, what helps?",
    "headache-medicine.mp4": "Can I take ibuprofen with acetaminophen?",
}
"""The shot list. The others are asked in a sidecar, in the file's name, or only in the clip itself."""

SIDECARS = {"root-canal": "Does a root canal hurt?"}


def make_clip(clip: Clip) -> None:
    """Speaks, films and files one clip, and writes down what is true of it."""
    pauses = clip.pauses or [0.4] * (len(clip.script) - 1)
    speech = voice.compose(clip.speaker, clip.script, pauses, SILENCE, SILENCE)
    rng = np.random.default_rng(clip.seed)
    times = irregular_times(speech.seconds, rng) if clip.irregular else even_times(speech.seconds, clip.camera.rate)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wav, raw = work / "sound.wav", work / clip.file
        sound.record(wav, speech.pcm, clip.sound.lufs, clip.sound.below_voice, clip.sound.channels, rng)
        frames = draw_frames(clip.room, clip.person, clip.framing, times, voice.mouth(speech, times), clip.seed)
        film(raw, frames, clip.framing, clip.camera, wav, clip.sound.rate, container_options(clip))
        finish_file(raw, clip, times, speech.seconds)
        CLIPS.mkdir(exist_ok=True)
        (CLIPS / clip.file).write_bytes(raw.read_bytes())
    write_truth(clip, speech, times)


def container_options(clip: Clip) -> list[str]:
    """ffmpeg's options for the file around picture and sound."""
    tags = [part for key, value in clip.metadata.items() for part in ("-metadata", f"{key}={value}")]
    picture, sound_name = clip.handlers
    names = ["-metadata:s:v", f"handler_name={picture}", "-metadata:s:a", f"handler_name={sound_name}"]
    return tags + names + clip.container


def finish_file(path: Path, clip: Clip, times: np.ndarray, seconds: float) -> None:
    """Adds to a finished file what ffmpeg cannot write."""
    movie = Movie(path)
    if clip.irregular:
        movie.set_frame_times(times, seconds)
    if clip.camera.sideways:
        movie.rotate_clockwise()
    if clip.location:
        movie.add_android_location(clip.location)
    if clip.timed_metadata:
        movie.add_metadata_track("com.apple.quicktime.video-orientation", 6)
    movie.save(path)


def write_truth(clip: Clip, speech: voice.Speech, times: np.ndarray) -> None:
    """What was said when, and how the clip was made: tests measure against it. Times are seconds from the clip's start."""
    framing = clip.framing
    truth = {
        "clip": clip.file,
        "voice": clip.speaker,
        "script": " ".join(clip.script),
        "seconds": round(speech.seconds, 3),
        "display": {"width": framing.width, "height": framing.height},
        "rotated": clip.camera.sideways,
        "hdr": clip.camera.grade == "hlg",
        "vfr": clip.irregular,
        "frames": len(times),
        "fps": None if clip.irregular else str(clip.camera.rate),
        "quiet": clip.sound.lufs < -30,
        "lufs": clip.sound.lufs,
        "channels": clip.sound.channels,
        "face": {"x": framing.face_x, "y": framing.face_y, "chin_y": round(framing.chin_y, 3)},
        "sentences": [span.as_truth() for span in speech.sentences],
        "words": [span.as_truth() for span in speech.words],
    }
    TRUTH.mkdir(exist_ok=True)
    (TRUTH / f"{clip.stem}.json").write_text(json_lines(truth), encoding="utf-8")


def json_lines(truth: dict) -> str:
    """JSON with one line for each entry and each span, which reads and compares well."""

    def entry(value: object) -> str:
        if isinstance(value, list):
            return "[\n" + ",\n".join(f"    {json.dumps(item)}" for item in value) + "\n  ]"
        return json.dumps(value)

    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {entry(value)}" for key, value in truth.items()) + "\n}\n"


def write_questions() -> None:
    """The shot list and the sidecars."""
    CLIPS.mkdir(exist_ok=True)
    with open(CLIPS / "questions.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "question"])
        table.writerows(QUESTIONS.items())
    for stem, question in SIDECARS.items():
        (CLIPS / f"{stem}.question.txt").write_text(f"{question}\n", encoding="utf-8")


def check_scripts(clips: list[Clip], vocabulary: Path) -> None:
    """Ends the program if a clip says a word that the list does not hold."""
    known = set(vocabulary.read_text(encoding="utf-8").lower().split())
    wrong = {clip.file: words for clip in clips if (words := voice.unknown_words(" ".join(clip.script), known))}
    if wrong:
        sys.exit("\n".join(f"{file}: not in {vocabulary.name}: {', '.join(words)}" for file, words in wrong.items()))


def main() -> None:
    parts = [clip.stem for clip in CAST] + ["questions", "logo"]
    arguments = argparse.ArgumentParser(description="Makes the sample clips, their truth, the questions and the logo.")
    arguments.add_argument("parts", nargs="*", metavar="PART", help=f"what to make, instead of everything: {', '.join(parts)}")
    arguments.add_argument("--vocabulary", type=Path, help="word list, one word a line, that the scripts must keep to")
    wanted = arguments.parse_args()
    if unknown := set(wanted.parts) - set(parts):
        arguments.error(f"no such part: {', '.join(sorted(unknown))}")
    chosen = wanted.parts or parts
    clips = [clip for clip in CAST if clip.stem in chosen]
    if wanted.vocabulary:
        check_scripts(clips, wanted.vocabulary)
    if "logo" in chosen:
        draw_logo(HERE / "logo.png")
    if "questions" in chosen:
        write_questions()
    for clip in clips:
        print(clip.file, flush=True)
        make_clip(clip)


if __name__ == "__main__":
    main()
