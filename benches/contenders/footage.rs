//! Clips as phones record them, made once and kept below `target/bench-footage`.

use crate::scene::Scene;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MANIFEST: &str = env!("CARGO_MANIFEST_DIR");
/// Raise it when the same clip would be made in another way, so that none of the old ones is taken.
const MADE_AS: u32 = 2;

/// A clip that is wanted.
#[derive(Debug, Clone)]
pub struct Footage {
    /// Stem of the file.
    pub name: String,
    /// Width and height as displayed.
    pub size: (usize, usize),
    /// Frames a second.
    pub rate: u32,
    /// HEVC of 10 bits in HLG, else H.264 of 8 bits in BT.709.
    pub hdr: bool,
    /// Whether it is coded on its side and turned by a display matrix.
    pub turned: bool,
    /// Whether its frames come at uneven times, some missing.
    pub uneven: bool,
    /// Whether it has one channel of sound.
    pub mono: bool,
    /// Mean bit rate of the picture, Mbit/s.
    pub megabits: u32,
    /// How long it is.
    pub seconds: f64,
    /// What it looks like, and which of the sample clips lends its sound.
    pub seed: u32,
}

impl Footage {
    /// In words: `1080x1920, 30 fps, H.264, 12 s`.
    pub fn about(&self) -> String {
        let (width, height) = self.size;
        let coding = if self.hdr { "HEVC 10-bit HLG" } else { "H.264" };
        let uneven = if self.uneven { " uneven" } else { "" };
        let turned = if self.turned { ", turned" } else { "" };
        format!("{width}x{height}, {} fps{uneven}, {coding}{turned}, {:.1} s", self.rate, self.seconds)
    }
}

/// What the other clips are described by their differences from.
fn upright(name: &str, seconds: f64, seed: u32) -> Footage {
    Footage {
        name: name.into(),
        size: (1080, 1920),
        rate: 30,
        hdr: false,
        turned: false,
        uneven: false,
        mono: false,
        megabits: 14,
        seconds,
        seed,
    }
}

fn hdr_4k(name: &str, seconds: f64, seed: u32) -> Footage {
    Footage { size: (2160, 3840), hdr: true, turned: true, megabits: 45, ..upright(name, seconds, seed) }
}

fn uneven_720(name: &str, seconds: f64, seed: u32) -> Footage {
    Footage { size: (1280, 720), uneven: true, mono: true, megabits: 6, ..upright(name, seconds, seed) }
}

/// The clips of one part of the benchmark; `scale` stretches their lengths, and a short day has three clips.
pub fn part(name: &str, scale: f64, short: bool) -> Result<Vec<Footage>> {
    Ok(match name {
        "A" => vec![upright("a-upright", 12.0 * scale, 1)],
        "B" => vec![hdr_4k("b-hdr", 6.0 * scale, 2)],
        "C" => vec![uneven_720("c-uneven", 12.0 * scale, 3)],
        "D" => {
            let wide = |name, seconds, seed| Footage { size: (1920, 1080), ..upright(name, seconds * scale, seed) };
            let at = |seconds: f64| seconds * scale;
            let mut day = vec![
                upright("d-01", at(6.0), 11),
                hdr_4k("d-02", at(4.0), 12),
                uneven_720("d-03", at(5.0), 13),
                wide("d-04", 5.0, 14),
                Footage { rate: 60, megabits: 20, ..upright("d-05", at(4.0), 15) },
                Footage { mono: true, ..upright("d-06", at(8.0), 16) },
                Footage { size: (1080, 1920), megabits: 18, ..hdr_4k("d-07", at(5.0), 17) },
                Footage { size: (720, 1280), uneven: true, megabits: 5, ..upright("d-08", at(6.0), 18) },
                Footage { rate: 24, mono: true, ..wide("d-09", 4.0, 19) },
                Footage { turned: true, ..upright("d-10", at(5.0), 20) },
                hdr_4k("d-11", at(4.0), 21),
                Footage { megabits: 10, mono: true, ..upright("d-12", at(7.0), 22) },
            ];
            if short {
                day.truncate(3);
            }
            day
        }
        other => bail!("{other} is no part: A, B, C, D, pipeline or memory"),
    })
}

/// The clip's file, made if it is not there yet.
pub fn make(footage: &Footage) -> Result<PathBuf> {
    let folder = Path::new(MANIFEST).join("target/bench-footage");
    fs::create_dir_all(&folder)?;
    let key = blake3::hash(format!("{MADE_AS} {footage:?}").as_bytes()).to_hex();
    let file = folder.join(format!("{}-{}.mp4", footage.name, &key[..12]));
    if file.exists() {
        return Ok(file);
    }
    crate::say(&format!("making the clip {} ({:.1} s)", footage.name, footage.seconds));
    // Another run may make the same one: each under its own name, the last to finish counts.
    let part = folder.join(format!("{}.{}.part.mp4", footage.name, std::process::id()));
    encode(footage, &part)?;
    if footage.turned {
        turn(&part, footage.size.0 as u32)?;
    }
    fs::rename(&part, &file)?;
    Ok(file)
}

/// Draws the pictures into ffmpeg, which codes them as the phone would: no B-frames, a key frame a second, fast.
fn encode(footage: &Footage, file: &Path) -> Result<()> {
    let (width, height) = footage.size;
    let frames = (footage.seconds * f64::from(footage.rate)).round() as usize;
    let format = if footage.hdr { "yuv420p10le" } else { "yuv420p" };
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", format]);
    command.args(["-s", &format!("{width}x{height}"), "-r", &footage.rate.to_string(), "-i", "-"]);
    command.args(["-stream_loop", "-1", "-i"]).arg(sound(footage.seed)?);
    let mut filters = Vec::new();
    if footage.turned {
        filters.push("transpose=cclock".to_string());
    }
    if footage.uneven {
        // A phone short of light or power: times that waver by 9 ms, and now and then a frame that never came.
        filters.push("select='mod(n,17)-9',settb=1/90000,setpts='(PTS*TB+0.009*sin(N*2.1))/TB'".into());
    }
    if !filters.is_empty() {
        command.args(["-vf", &filters.join(",")]);
    }
    command.args(["-map", "0:v", "-map", "1:a:0", "-t", &footage.seconds.to_string()]);
    let rate = footage.rate.to_string();
    if footage.hdr {
        command.args(["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params"]);
        command.arg(format!("log-level=error:bframes=0:keyint={rate}:min-keyint={rate}:scenecut=0"));
        command.args(["-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"]);
    } else {
        command.args(["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-bf", "0", "-g", &rate]);
        command.args(["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]);
    }
    let megabits = |times: u32| format!("{}M", footage.megabits * times);
    command.args(["-b:v", &megabits(1), "-maxrate", &megabits(2), "-bufsize", &megabits(2), "-color_range", "tv"]);
    if footage.uneven {
        command.args(["-fps_mode", "passthrough", "-enc_time_base", "1/90000", "-video_track_timescale", "90000"]);
    }
    let channels = if footage.mono { "1" } else { "2" };
    command.args(["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", channels, "-movflags", "+faststart"]).arg(file);

    let mut child = command.stdin(Stdio::piped()).spawn().context("ffmpeg could not be started")?;
    let mut pipe = BufWriter::with_capacity(1 << 20, child.stdin.take().context("no way into ffmpeg")?);
    let mut scene = Scene::new(footage.size, footage.hdr, footage.seed);
    for number in 0..frames {
        scene.draw(number as f64 / f64::from(footage.rate), number);
        scene.write(&mut pipe)?;
    }
    pipe.flush()?;
    drop(pipe);
    ensure!(child.wait()?.success(), "ffmpeg could not code {}", footage.name);
    Ok(())
}

/// The sample clip whose voice is heard.
fn sound(seed: u32) -> Result<PathBuf> {
    let folder = Path::new(MANIFEST).join("samples/clips");
    let mut clips: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    clips.retain(|clip| clip.extension().is_some_and(|e| e == "mp4" || e == "m4v" || e == "mov"));
    clips.sort();
    ensure!(!clips.is_empty(), "there are no sample clips");
    Ok(clips.swap_remove(seed as usize % clips.len()))
}

/// Writes a quarter turn clockwise into the header of the picture's track, which comes first (ISO/IEC 14496-12, 8.3.2:
/// in version 0 the matrix lies 40 bytes into the box). `width` is that of the picture on display.
fn turn(file: &Path, width: u32) -> Result<()> {
    let mut bytes = fs::read(file)?;
    let at = bytes.windows(4).position(|window| window == b"tkhd").context("no track header")? + 4;
    ensure!(bytes[at] == 0, "a track header of another version");
    let one = 1u32 << 16;
    let matrix = [0, one, 0, one.wrapping_neg(), 0, 0, width << 16, 0, 1 << 30];
    for (i, entry) in matrix.into_iter().enumerate() {
        bytes[at + 40 + 4 * i..][..4].copy_from_slice(&entry.to_be_bytes());
    }
    fs::write(file, bytes)?;
    Ok(())
}
