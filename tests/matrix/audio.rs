//! Sound of every kind: level, true peak and the absence of clicks.
//!
//! Clips carry a tone whose level in each channel is known; cuts are decoded by the ffmpeg command and measured here.

use crate::common::ffmpeg;
use crate::common::measure::loudness;
use crate::footage::{cut, filling, long, read};
use housecall::units::{Size, Span, Time};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

/// The tone of most cases, in Hz: above it all rates of phones still have two octaves or one, and ITU-R BS.1770 weighs it
/// as it is, so that the loudness of a tone is the sum of its channels' powers.
const TONE: f64 = 1000.0;

/// How long the clips are, in seconds.
const LENGTH: f64 = 2.0;

/// Writes interleaved samples as a WAV file of 32-bit floats (RIFF, format 3).
pub fn write_wav(file: &Path, rate: u32, channels: u16, samples: &[f32]) {
    let (block, bytes) = (channels * 4, samples.len() as u32 * 4);
    let mut out = Vec::with_capacity(bytes as usize + 44);
    out.extend(b"RIFF");
    out.extend((bytes + 36).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x03\0");
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * u32::from(block)).to_le_bytes());
    out.extend(block.to_le_bytes());
    out.extend(b"\x20\0data");
    out.extend(bytes.to_le_bytes());
    out.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    std::fs::write(file, out).unwrap();
}

/// Interleaved channels of one tone, each as loud as `levels` says.
fn tone(seconds: f64, rate: u32, frequency: f64, levels: &[f64]) -> Vec<f32> {
    let at = |n: usize| (TAU * frequency * n as f64 / f64::from(rate)).sin();
    let count = (seconds * f64::from(rate)) as usize;
    (0..count).flat_map(|n| levels.iter().map(move |level| (at(n) * level) as f32)).collect()
}

/// A clip with a dark picture of `LENGTH` and these sounds, each (rate, channels, samples).
fn clip(folder: &Path, name: &str, sounds: &[(u32, u16, &[f32])], coding: &[&str]) -> PathBuf {
    let file = folder.join(name);
    let length = LENGTH.to_string();
    let mut arguments: Vec<String> =
        ["-f", "lavfi", "-t", &length, "-i", "color=black:s=64x64:r=30"].map(Into::into).into();
    for (number, (rate, channels, samples)) in sounds.iter().enumerate() {
        let wav = folder.join(format!("{name}-{number}.wav"));
        write_wav(&wav, *rate, *channels, samples);
        arguments.extend(["-i".into(), wav.to_str().unwrap().into()]);
    }
    arguments.extend((0..=sounds.len()).flat_map(|n| ["-map".into(), n.to_string()]));
    arguments.extend(["-c:v", "libx264", "-preset", "ultrafast"].map(Into::into));
    arguments.extend(coding.iter().map(|c| c.to_string()));
    arguments.push(file.to_str().unwrap().into());
    ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    file
}

/// A cut of a clip, measured.
struct Heard {
    /// Left and right at 48 kHz.
    channels: [Vec<f64>; 2],
    /// LUFS and dBTP by ffmpeg's own meter.
    loudness: f64,
    peak: f64,
}

/// Makes a cut of a clip and measures it.
fn heard(clip: &Path) -> Heard {
    let found = read(clip);
    let mut recipe = filling(&found, Size::new(64, 64));
    recipe.kept = Span::new(Time::ZERO, recipe.rate.time_of(recipe.rate.frames_in(found.duration))).into();
    let folder = tempfile::tempdir().unwrap();
    let made = cut(clip, &found, &[recipe], folder.path()).remove(0);
    let raw = folder.path().join("sound.f32");
    ffmpeg(&["-i", made.file().to_str().unwrap(), "-vn", "-f", "f32le", raw.to_str().unwrap()]);
    let bytes = std::fs::read(raw).unwrap();
    let samples: Vec<f64> =
        bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect();
    let channels = [0, 1].map(|c| samples.iter().copied().skip(c).step_by(2).collect());
    let (loudness, peak) = loudness(made.file());
    Heard { channels, loudness, peak }
}

impl Heard {
    /// The part of a channel between two moments in seconds.
    fn part(&self, channel: usize, (from, to): (f64, f64)) -> &[f64] {
        let at = |t: f64| ((t * 48_000.0) as usize).min(self.channels[channel].len());
        &self.channels[channel][at(from)..at(to)]
    }

    /// A channel's mean power in the middle of the clip, in dB of a full-scale square wave.
    fn level(&self, channel: usize) -> f64 {
        let part = self.part(channel, (0.3, LENGTH - 0.3));
        10.0 * (part.iter().map(|s| s * s).sum::<f64>() / part.len() as f64 + 1e-12).log10()
    }

    /// The largest click in a channel, as a share of the tone's amplitude. `x[n+1] - 2cos(w)x[n] + x[n-1]` is nothing for
    /// a tone and next to nothing for one that is a little sharp or flat; a step in the sound passes whole.
    fn clicks(&self, channel: usize, span: (f64, f64), frequency: f64) -> f64 {
        let part = self.part(channel, span);
        let twice_cos = 2.0 * (TAU * frequency / 48_000.0).cos();
        let loudest = part.iter().fold(1e-9f64, |m, s| m.max(s.abs()));
        part.windows(3).map(|w| (w[2] - twice_cos * w[1] + w[0]).abs()).fold(0.0, f64::max) / loudest
    }

    /// On target, by the other program's meter.
    fn is_on_target(&self, case: &str) {
        assert!((self.loudness + 14.0).abs() <= 1.0, "{case}: {} LUFS", self.loudness);
        assert!(self.peak <= -1.4, "{case}: {} dBTP", self.peak);
    }
}

/// A tone in any dress comes out on target, `right` dB louder in the right channel than in the left, without clicks.
fn check(case: &str, clip: &Path, right: f64, clicks: f64) {
    let heard = heard(clip);
    let (left, found) = (heard.level(0), heard.level(1) - heard.level(0));
    let worst = [0, 1].map(|c| heard.clicks(c, (0.3, LENGTH - 0.3), TONE)).into_iter().fold(0.0, f64::max);
    println!(
        "{case}: {:.1} LUFS, {:.1} dBTP, left {left:.2} dB, right {found:+.2} dB to it, clicks {worst:.4}",
        heard.loudness, heard.peak
    );
    heard.is_on_target(case);
    // The powers of both add up to the loudness.
    let wanted = -14.0 - 10.0 * (1.0 + 10f64.powf(right / 10.0)).log10();
    assert!((left - wanted).abs() <= 1.0, "{case}: left {left:.2} dB where {wanted:.2} is due");
    assert!((found - right).abs() <= 0.5, "{case}: right {found:+.2} dB where {right:+.2} is due");
    assert!(worst <= clicks, "{case}: a click of {worst:.4}");
}

/// Codec, container, rate, levels of the channels, whether in the short form too, and the codec's own noise.
type Dress = (&'static str, &'static str, u32, &'static [f64], bool, f64);

#[test]
fn every_rate_and_codec() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [Dress; 20] = [
        ("aac", "mp4", 48_000, &[0.1], true, 0.02),
        ("aac", "mp4", 44_100, &[0.2, 0.1], true, 0.02),
        ("aac", "mov", 8_000, &[0.1], true, 0.02),
        ("aac", "mp4", 11_025, &[0.1], false, 0.02),
        ("aac", "mp4", 12_000, &[0.1], false, 0.02),
        ("aac", "3gp", 16_000, &[0.1], false, 0.02),
        ("aac", "mp4", 22_050, &[0.1], false, 0.02),
        ("aac", "mp4", 24_000, &[0.1], false, 0.02),
        ("aac", "mp4", 32_000, &[0.1, 0.2], false, 0.02),
        ("aac", "mp4", 88_200, &[0.1, 0.2], false, 0.02),
        ("aac", "mkv", 96_000, &[0.1, 0.2], false, 0.02),
        ("libopus", "mp4", 48_000, &[0.2, 0.1], true, 0.02),
        ("libopus", "mkv", 16_000, &[0.1], false, 0.02),
        ("libmp3lame", "mp4", 44_100, &[0.2, 0.1], true, 0.02),
        ("libmp3lame", "mkv", 22_050, &[0.1], false, 0.02),
        ("pcm_s16le", "mov", 48_000, &[0.2, 0.1], true, 0.02),
        ("pcm_s24le", "mov", 96_000, &[0.2, 0.1], true, 0.02),
        ("pcm_f32le", "mov", 44_100, &[0.2, 0.1], false, 0.02),
        ("pcm_f32le", "mkv", 8_000, &[0.1], false, 0.02),
        ("pcm_mulaw", "mov", 8_000, &[0.1], true, 0.08),
    ];
    for (codec, kind, rate, levels, _, noise) in cases.into_iter().filter(|case| case.4 || long()) {
        let case = format!("{codec} in {kind}, {rate} Hz, {} channels", levels.len());
        let samples = tone(LENGTH, rate, TONE, levels);
        let name = format!("{codec}-{rate}.{kind}");
        let clip = clip(folder.path(), &name, &[(rate, levels.len() as u16, &samples)], &["-c:a", codec]);
        let right = if let [left, right] = levels { 20.0 * (right / left).log10() } else { 0.0 };
        check(&case, &clip, right, noise);
    }
}

#[test]
fn a_dead_channel_gets_the_others_sound() {
    let folder = tempfile::tempdir().unwrap();
    // Dead is nothing at all, or the hiss of an open input; quiet is not dead.
    for (case, coding, levels, right) in [
        ("left only", &["-c:a", "aac"][..], [0.1, 0.0], 0.0),
        ("right only", &["-c:a", "aac"], [0.0, 0.1], 0.0),
        ("right over a hiss", &["-c:a", "pcm_s16le"], [0.001, 0.1], 0.0),
        ("right quiet", &["-c:a", "pcm_s16le"], [0.2, 0.02], -20.0),
    ] {
        let samples = tone(LENGTH, 48_000, TONE, &levels);
        let clip = clip(folder.path(), &format!("{case}.mov"), &[(48_000, 2, &samples)], coding);
        let only = read(&clip).audio.unwrap().only;
        assert_eq!(only, (right == 0.0).then_some(usize::from(levels[1] > levels[0])), "{case}");
        check(case, &clip, right, 0.02);
    }
}

#[test]
fn surround_becomes_stereo() {
    let folder = tempfile::tempdir().unwrap();
    // Front left and right, centre, bass, back left and right.
    for (case, levels, right) in
        [("centre", [0.0, 0.0, 0.2, 0.0, 0.0, 0.0], 0.0), ("sides", [0.2, 0.1, 0.0, 0.0, 0.0, 0.0], -6.02)]
    {
        let samples = tone(LENGTH, 48_000, TONE, &levels);
        let clip = clip(folder.path(), &format!("{case}.mp4"), &[(48_000, 6, &samples)], &["-c:a", "aac"]);
        assert_eq!(read(&clip).audio.unwrap().channels, 6);
        check(case, &clip, right, 0.02);
    }
}

/// Replaces the first place in a file that reads `from`.
fn patch(file: &Path, from: &[u8], to: &[u8]) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn the_first_track_that_decodes_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (good, other) = (tone(LENGTH, 48_000, TONE, &[0.1]), tone(LENGTH, 48_000, 400.0, &[0.1]));
    let coding = ["-c:a", "aac", "-disposition:a", "0"];
    let spatial = clip(folder.path(), "spatial.mp4", &[(48_000, 1, &other), (48_000, 1, &good)], &coding);
    patch(&spatial, b"mp4a", b"apac");
    patch(&spatial, b"esds", b"dapa");
    let found = read(&spatial);
    assert_eq!(found.audio.unwrap().index, 2);
    assert!(found.ignored.iter().any(|track| track.contains("apac")), "{:?}", found.ignored);
    check("an undecodable track first", &spatial, 0.0, 0.02);
    let two = clip(folder.path(), "two.mp4", &[(48_000, 1, &good), (48_000, 1, &other)], &coding);
    check("two tracks", &two, 0.0, 0.02);
}

#[test]
fn high_efficiency_aac() {
    let folder = tempfile::tempdir().unwrap();
    let samples = tone(LENGTH, 24_000, TONE, &[0.1]);
    let clip = clip(folder.path(), "he.mp4", &[(24_000, 1, &samples)], &["-c:a", "aac"]);
    // No free encoder makes it. The configuration's extension (ISO/IEC 14496-3, 1.6.5.2: 0x2b7, SBR) says that there is
    // none; made to say that there is, at 48 kHz, with no data for the upper band, it is decoded as HE-AAC is.
    patch(&clip, &[0x56, 0xe5, 0x00], &[0x56, 0xe5, 0x98]);
    assert_eq!(read(&clip).audio.unwrap().sample_rate, 48_000);
    check("HE-AAC", &clip, 0.0, 0.02);
}

#[test]
fn narrow_band_speech_of_old_phones() {
    let folder = tempfile::tempdir().unwrap();
    // No free encoder makes AMR either, but any bits are speech to its decoder (3GPP TS 26.101: frames of 12.2 kbit/s are
    // a byte that says so and 244 bits). What they sound like is not known; that they are heard, and how loud, is.
    let mut stream = b"#!AMR\n".to_vec();
    let mut state = 1u32;
    for _ in 0..100 {
        stream.push(0x3c);
        stream.extend((0..31).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }));
    }
    let (speech, file) = (folder.path().join("speech.amr"), folder.path().join("old.3gp"));
    std::fs::write(&speech, stream).unwrap();
    let picture = ["-f", "lavfi", "-t", "2", "-i", "color=black:s=176x144:r=15", "-i", speech.to_str().unwrap()];
    ffmpeg(&[&picture[..], &["-c:v", "h263", "-c:a", "copy", file.to_str().unwrap()]].concat());
    let found = read(&file).audio.unwrap();
    assert_eq!((found.codec.as_str(), found.sample_rate), ("amr_nb", 8_000));
    let heard = heard(&file);
    println!("AMR: {:.1} LUFS, {:.1} dBTP", heard.loudness, heard.peak);
    heard.is_on_target("AMR");
    assert!((heard.level(1) - heard.level(0)).abs() < 0.1);
}

#[test]
fn silence_clipping_and_almost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, samples: &[f32]| clip(folder.path(), name, &[(48_000, 1, samples)], &["-c:a", "pcm_s16le"]);
    let silent = heard(&make("silence.mov", &vec![0.0; 96_000]));
    assert!(silent.channels.iter().flatten().all(|s| s.abs() < 1e-4), "silence stays silent");

    // Far over full scale, so flat at the top: as loud as samples can be.
    let loud: Vec<f32> = tone(LENGTH, 48_000, TONE, &[8.0]).iter().map(|s| s.clamp(-1.0, 1.0)).collect();
    let clipped = heard(&make("clipping.mov", &loud));
    println!("clipping: {:.1} LUFS, {:.1} dBTP", clipped.loudness, clipped.peak);
    clipped.is_on_target("clipping");

    // Quiet with single full-scale claps: the limiter, not the gain, holds them.
    let mut claps = tone(LENGTH, 48_000, TONE, &[0.02]);
    for second in 0..4 {
        claps[second * 24_000 + 9_000..][..48]
            .iter_mut()
            .enumerate()
            .for_each(|(n, s)| *s = if n % 8 < 4 { 0.9 } else { -0.9 });
    }
    let claps = heard(&make("claps.mov", &claps));
    println!("claps: {:.1} LUFS, {:.1} dBTP", claps.loudness, claps.peak);
    assert!(claps.peak <= -1.4);

    for (name, count) in [("one-sample.mov", 1), ("short.mov", 24_000)] {
        let file = make(name, &tone(LENGTH, 48_000, TONE, &[0.3])[..count]);
        assert!((read(&file).duration.seconds() - LENGTH).abs() < 1e-3, "{name}");
        let heard = heard(&file);
        assert!((heard.channels[0].len() as f64 / 48_000.0 - LENGTH).abs() < 0.03, "{name}");
        assert!(heard.part(0, (0.6, LENGTH)).iter().all(|s| s.abs() < 1e-3), "{name}: silence follows");
    }
    let long = make("long.mov", &tone(LENGTH * 2.0, 48_000, TONE, &[0.3]));
    assert!((read(&long).duration.seconds() - LENGTH * 2.0).abs() < 1e-3);
    check("sound goes on after the picture", &long, 0.0, 0.02);

    let none = clip(folder.path(), "none.mp4", &[], &[]);
    let found = read(&none);
    assert!(found.audio.is_none());
    cut(&none, &found, &[filling(&found, Size::new(64, 64))], folder.path());
}

#[test]
fn a_clock_that_drifts_is_followed_without_clicks() {
    let folder = tempfile::tempdir().unwrap();
    let samples = tone(6.0, 48_000, TONE, &[0.1]);
    // Stamps of whole milliseconds, and a clock 0.06% fast.
    let coding = ["-af", "asetpts=PTS/1.0006", "-c:a", "aac"];
    let file = clip(folder.path(), "fast.mkv", &[(48_000, 1, &samples)], &coding);
    let heard = heard(&file);
    let clicks = heard.clicks(0, (0.3, 5.5), TONE);
    println!("a fast clock: clicks {clicks:.4}");
    assert!(clicks < 0.02, "{clicks}");
}
