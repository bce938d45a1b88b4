//! The main job on the sample clips, end to end: what lies in the output folder, measured by other programs.
//!
//! All tests share one set of runs. The encoder's preset is the fastest, since no test is about how small files are.

use crate::common::desk::{Desk, Done, samples, small_x};
use crate::common::measure::{describe, holds, loudness, outer_boxes, picture_times};
use housecall::config::{Platform, load_with, platforms_with};
use housecall::cuts::ClipPlan;
use housecall::units::Size;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

mod laid_over;

/// Clips that are run together.
struct Inbox {
    clips: &'static [&'static str],
    to: To,
    /// Where the clips are made to end, in seconds.
    end: Option<f64>,
}

/// Where the clips of an inbox go.
enum To {
    /// All platforms, in their own sizes.
    All,
    /// One platform, in its own size.
    One(&'static str),
    /// Small pictures for one platform.
    Small,
}

/// Encoding takes most of the time: so every platform gets the beginning of the clip in HDR that was held upright, the
/// clip in 4K fills a canvas of full size, and the other clips, all of them whole, get small pictures.
const INBOXES: [Inbox; 3] = [
    Inbox { clips: &["razor-bumps.mov"], to: To::All, end: Some(5.5) },
    Inbox { clips: &["fever-in-children.mp4"], to: To::One("tiktok"), end: None },
    Inbox {
        clips: &[
            "razor-bumps.mov",
            "VID_20260914_101500.mp4",
            "headache-medicine.mp4",
            "dry-skin-in-winter.mp4",
            "root-canal.m4v",
        ],
        to: To::Small,
        end: None,
    },
];
/// Length of the end card in seconds.
const END_CARD: f64 = 1.0;

/// One inbox that was run, run again, and planned.
struct Ran {
    desk: Desk,
    clips: &'static [&'static str],
    end: Option<f64>,
    platforms: Vec<Platform>,
    first: Done,
    again: Done,
    /// How long the run on the unchanged inbox took.
    again_took: Duration,
    /// Times of change of everything but the program's own folder, after the first and the second run.
    changed: [BTreeMap<PathBuf, SystemTime>; 2],
    plans: Vec<ClipPlan>,
}

/// A cut that was found in its place.
struct Cut<'a> {
    clip: &'static str,
    platform: &'a Platform,
    file: PathBuf,
    /// What its clip says, when, and how that was made.
    truth: Value,
}

impl Ran {
    fn new(inbox: &Inbox) -> Self {
        let desk = Desk::new();
        desk.drop_samples(inbox.clips);
        if let Some(end) = inbox.end {
            for clip in inbox.clips {
                desk.drop_file(&format!("{}.toml", stem(clip)), format!("end = {end:?}\n").as_bytes());
            }
        }
        let fastest = |p: &Platform| format!("[platform.{}]\npreset = \"ultrafast\"\n", p.id);
        let tables = match inbox.to {
            To::Small => small_x(),
            _ => platforms_with(None).unwrap().iter().map(fastest).collect(),
        };
        desk.practice(&format!("[end_card]\nseconds = {END_CARD:?}\n{tables}"));
        let mut platforms = load_with(&desk.inbox().join("practice.toml"), None).unwrap().known;
        platforms.retain(|p| match inbox.to {
            To::All => true,
            To::One(id) => p.id == id,
            To::Small => p.id == "x",
        });
        let chosen: Vec<&str> = platforms.iter().map(|p| &*p.id).collect();
        let chosen = ["--platforms", &chosen.join(",")];
        let changed = || {
            let files = desk.files().into_iter().filter(|(file, _)| !file.starts_with(".housecall"));
            files.map(|(file, about)| (file, about.modified().unwrap())).collect()
        };
        let first = desk.batch("run", &chosen);
        let after_first = changed();
        let began = Instant::now();
        let again = desk.batch("run", &chosen);
        let (again_took, after_second) = (began.elapsed(), changed());
        let plan = desk.batch("plan", &chosen);
        let plans = plan.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let changed = [after_first, after_second];
        let Inbox { clips, end, .. } = *inbox;
        Ran { desk, clips, end, platforms, first, again, again_took, changed, plans }
    }

    fn cuts(&self) -> impl Iterator<Item = Cut<'_>> {
        self.clips.iter().flat_map(|clip| {
            self.platforms.iter().map(|platform| {
                let file = self.desk.out().join(&platform.id).join(format!("{}.mp4", stem(clip)));
                Cut { clip, platform, file, truth: self.truth(clip) }
            })
        })
    }

    /// What a sample says, when, and how it was made, as far as it is shown.
    fn truth(&self, clip: &str) -> Value {
        let file = samples().join("truth").join(format!("{}.json", stem(clip)));
        let mut truth: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        if let Some(end) = self.end {
            truth["seconds"] = end.into();
            for spans in ["sentences", "words"] {
                truth[spans].as_array_mut().unwrap().retain(|span| number(&span["end"]) <= end);
            }
        }
        truth
    }
}

/// All runs, made by whichever test comes first.
fn ran() -> &'static [Ran; 3] {
    static RAN: OnceLock<[Ran; 3]> = OnceLock::new();
    RAN.get_or_init(|| INBOXES.each_ref().map(Ran::new))
}

fn all_cuts() -> impl Iterator<Item = Cut<'static>> {
    ran().iter().flat_map(Ran::cuts)
}

/// The cuts without those that are another name of a file that came before.
fn unique_cuts() -> impl Iterator<Item = Cut<'static>> {
    let mut seen = HashSet::new();
    all_cuts().filter(move |cut| seen.insert(fs::metadata(&cut.file).unwrap().ino()))
}

fn stem(clip: &str) -> &str {
    clip.rsplit_once('.').unwrap().0
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

/// `30000/1001` as a number.
fn ratio(value: &Value) -> f64 {
    let (over, under) = value.as_str().unwrap().split_once('/').unwrap();
    over.parse::<f64>().unwrap() / under.parse::<f64>().unwrap()
}

#[test]
fn every_platform_gets_its_file_and_nothing_else_lies_there() {
    for ran in ran() {
        assert_eq!(ran.first.code, 0, "{:?}", ran.first);
        assert_eq!(ran.first.events("failed"), Vec::<Value>::new());
        let mut expected: HashSet<PathBuf> = HashSet::from(["report.html".into()]);
        for clip in ran.clips {
            let name = stem(clip);
            expected.extend([format!("transcripts/{name}.json"), format!("transcripts/{name}.srt")].map(PathBuf::from));
            expected.insert(format!("covers/{name}.jpg").into());
            for platform in &ran.platforms {
                let mut endings = vec!["mp4"];
                endings.extend(platform.sidecar_srt.then_some("srt"));
                endings.extend(platform.post.text.map(|_| "txt"));
                expected.extend(endings.iter().map(|e| PathBuf::from(format!("{}/{name}.{e}", platform.id))));
            }
        }
        let found: HashSet<PathBuf> = ran.changed[0].keys().cloned().collect();
        let (missing, strange) = (expected.difference(&found).collect::<Vec<_>>(), found.difference(&expected));
        assert!(missing.is_empty(), "missing: {missing:?}");
        assert_eq!(strange.collect::<Vec<_>>(), Vec::<&PathBuf>::new());
        assert_eq!(ran.first.events("published").len(), ran.cuts().count());
    }
}

#[test]
fn streams_are_what_platforms_take() {
    for Cut { platform, file, truth, .. } in unique_cuts() {
        let about = describe(&file);
        let streams = about["streams"].as_array().unwrap();
        let at = file.display();
        let [video, audio] = &streams[..] else { panic!("{at}: {} streams", streams.len()) };
        for (field, wanted) in [
            ("codec_name", "h264"),
            ("profile", "High"),
            ("pix_fmt", "yuv420p"),
            ("sample_aspect_ratio", "1:1"),
            ("field_order", "progressive"),
            ("color_range", "tv"),
            ("color_space", "bt709"),
            ("color_transfer", "bt709"),
            ("color_primaries", "bt709"),
        ] {
            assert_eq!(video[field], wanted, "{field} of {at}");
        }
        for (field, wanted) in
            [("codec_name", "aac"), ("profile", "LC"), ("sample_rate", "48000"), ("channel_layout", "stereo")]
        {
            assert_eq!(audio[field], wanted, "{field} of the sound of {at}");
        }
        let size = Size::new(number(&video["width"]) as u32, number(&video["height"]) as u32);
        assert!(platform.canvases.iter().any(|canvas| canvas.size == size), "{at}: {size}");
        // ffprobe leaves out a matrix where there is none.
        assert_eq!(video["side_data_list"], Value::Null, "{at}");
        for stream in [video, audio] {
            assert_eq!(number(&stream["start_time"]), 0.0, "{at}");
        }
        assert_eq!(number(&about["format"]["start_time"]), 0.0, "{at}");

        let rate = ratio(&video["r_frame_rate"]);
        assert!((rate - ratio(&video["avg_frame_rate"])).abs() < 1e-3, "{at}: {video}");
        let (slowest, fastest) = platform.frame_rate;
        assert!((f64::from(slowest) * 0.999..=f64::from(fastest)).contains(&rate), "{at}: {rate}");
        let times = picture_times(&file);
        let step = times[1] - times[0];
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == step), "{at}: uneven steps");
        let card = if platform.clean { 0.0 } else { END_CARD };
        let planned = (number(&truth["seconds"]) + card) * rate;
        let frames = times.len() as f64;
        assert!((frames - planned).abs() <= 1.0, "{at}: {frames} pictures, {planned:.1} expected");
        for seconds in [&video["duration"], &audio["duration"], &about["format"]["duration"]] {
            assert!((number(seconds) * rate - frames).abs() <= 1.01, "{at}: {seconds} s for {frames} pictures");
        }
    }
}

#[test]
fn sizes_and_durations_keep_to_each_platforms_limits() {
    for Cut { platform, file, .. } in all_cuts() {
        let bytes = fs::metadata(&file).unwrap().len();
        assert!((1..=platform.max_bytes).contains(&bytes), "{}: {bytes} bytes", file.display());
        let seconds = number(&describe(&file)["format"]["duration"]);
        let (least, most) = (platform.min_duration.seconds(), platform.max_duration.seconds());
        assert!((least..=most).contains(&seconds), "{}: {seconds} s", file.display());
    }
}

#[test]
fn the_index_comes_first_and_holds_no_edit_list() {
    for Cut { file, .. } in unique_cuts() {
        let (boxes, index) = outer_boxes(&fs::read(&file).unwrap());
        let place = |name: &str| boxes.iter().position(|b| b == name).unwrap_or_else(|| panic!("no {name}: {boxes:?}"));
        assert!(place("moov") < place("mdat"), "{}: {boxes:?}", file.display());
        // `udta`, `meta` and an empty `ilst` are always written; what would fill them is not.
        assert!(["elst", "keys", "loci", "uuid", "data"].iter().all(|name| !holds(&index, name)), "{}", file.display());
    }
}

#[test]
fn loudness_is_right_by_ffmpegs_own_meter() {
    for Cut { file, .. } in unique_cuts() {
        let (loudness, peak) = loudness(&file);
        assert!((loudness + 14.0).abs() <= 1.0, "{}: {loudness} LUFS", file.display());
        assert!(peak <= -1.4, "{}: {peak} dBTP", file.display());
    }
}

#[test]
fn nothing_private_of_a_clip_is_in_any_file() {
    let mut secrets: HashSet<String> = HashSet::new();
    for clip in INBOXES.iter().flat_map(|inbox| inbox.clips) {
        let about = describe(&samples().join("clips").join(clip));
        let streams = about["streams"].as_array().unwrap().iter();
        for (key, value) in streams.chain([&about["format"]]).filter_map(|part| part["tags"].as_object()).flatten() {
            let value = value.as_str().unwrap();
            match key.to_lowercase() {
                key if key.contains("location") => {
                    secrets.insert(value.trim_end_matches('/').into());
                    // Latitude and longitude alone, without their signs.
                    let parts = value.split(['+', '-', '/']).filter(|part| part.len() >= 7 && part.contains('.'));
                    secrets.extend(parts.map(String::from));
                }
                key if ["make", "model", "manufacturer"].iter().any(|word| key.ends_with(word)) => {
                    secrets.insert(value.into());
                }
                key if key.contains("creation") => {
                    secrets.insert(value[..19].into());
                }
                _ => {}
            }
        }
    }
    for known in ["12.3456", "065.4321", "Example Phone 26 Pro", "EX-1000", "2026-09-14T09:41:07"] {
        assert!(secrets.contains(known), "{known} is not in the samples any more: {secrets:?}");
    }
    let mut seen = HashSet::new();
    for ran in ran() {
        for (file, about) in ran.desk.files() {
            if seen.insert(about.ino()) {
                let bytes = fs::read(ran.desk.out().join(&file)).unwrap();
                let told: Vec<&String> = secrets.iter().filter(|secret| holds(&bytes, secret)).collect();
                assert!(told.is_empty(), "{} tells {told:?}", file.display());
            }
        }
    }
    assert!(seen.len() > 40, "{} files", seen.len());
}

/// Letters and digits, so that punctuation and case do not count.
fn bare(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Words that have to be put in, left out or changed to make one text of the other (Levenshtein).
fn word_errors(heard: &[String], said: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=said.len()).collect();
    for (i, word) in heard.iter().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in said.iter().enumerate() {
            let least = (corner + usize::from(word != other)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], least);
        }
    }
    row[said.len()]
}

#[test]
fn transcripts_hold_what_was_said_in_the_promised_form() {
    let (mut errors, mut words) = (0, 0);
    for ran in ran() {
        for clip in ran.clips {
            let file = ran.desk.out().join("transcripts").join(format!("{}.json", stem(clip)));
            let transcript: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
            assert_eq!(transcript["clip"], *clip);
            assert_eq!((&transcript["model"], &transcript["language"]), (&"starter".into(), &"en".into()));
            let truth = ran.truth(clip);
            let heard = transcript["words"].as_array().unwrap();
            let mut last = 0.0;
            for word in heard {
                let (start, end) = (number(&word["start"]), number(&word["end"]));
                assert!(last <= start && start < end && end <= number(&truth["seconds"]), "{clip}: {word}");
                assert!((0.0..=1.0).contains(&number(&word["confidence"])), "{clip}: {word}");
                last = start;
            }
            let texts = |words: &Value| -> Vec<String> {
                words.as_array().unwrap().iter().map(|word| bare(word["text"].as_str().unwrap())).collect()
            };
            let (heard, said) = (texts(&transcript["words"]), texts(&truth["words"]));
            let wrong = word_errors(&heard, &said);
            println!("{clip}: {wrong} of {} words wrong", said.len());
            assert!(wrong as f64 <= 0.05 * said.len() as f64, "{clip}: {heard:?} for {said:?}");
            errors += wrong;
            words += said.len();
        }
    }
    println!("word error rate: {:.4}", errors as f64 / words as f64);
}

/// The times and texts of an SRT file's cues.
fn cues(file: &Path) -> Vec<(f64, f64, String)> {
    let seconds = |text: &str| -> f64 {
        let parts: Vec<f64> = text.trim().split([':', ',']).map(|part| part.parse().unwrap()).collect();
        parts[0] * 3600.0 + parts[1] * 60.0 + parts[2] + parts[3] / 1000.0
    };
    let text = fs::read_to_string(file).unwrap();
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
    let cue = |(index, block): (usize, &str)| {
        let mut lines = block.lines();
        assert_eq!(lines.next().unwrap(), (index + 1).to_string(), "{}", file.display());
        let (start, end) = lines.next().unwrap().split_once(" --> ").unwrap();
        (seconds(start), seconds(end), lines.collect::<Vec<_>>().join(" "))
    };
    blocks.enumerate().map(cue).collect()
}

#[test]
fn caption_cues_begin_when_sentences_do_and_hold_every_word() {
    for ran in ran() {
        for clip in ran.clips {
            let truth = ran.truth(clip);
            let name = format!("{}.srt", stem(clip));
            let folders = ran.platforms.iter().filter(|p| p.sidecar_srt).map(|p| &*p.id).chain(["transcripts"]);
            for file in folders.map(|folder| ran.desk.out().join(folder).join(&name)) {
                let cues = cues(&file);
                assert!(cues.iter().all(|cue| cue.0 < cue.1), "{}", file.display());
                assert!(cues.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{}: cues overlap", file.display());
                for sentence in truth["sentences"].as_array().unwrap() {
                    let onset = number(&sentence["start"]);
                    let off = cues.iter().map(|cue| cue.0 - onset).min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
                    assert!(off.abs() <= 0.4, "{}: {off:.3} s off for {sentence}", file.display());
                }
                let read: String = cues.iter().map(|cue| bare(&cue.2)).collect();
                let said: String = truth["words"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|word| bare(word["text"].as_str().unwrap()))
                    .collect();
                // A number with a unit is said in words and shown in digits.
                assert_eq!(read, said.replace("tendays", "10days"), "{}", file.display());
            }
        }
    }
}

#[test]
fn post_texts_keep_to_their_length_and_ask_the_question() {
    for Cut { clip, platform, file, truth } in all_cuts() {
        let (Some(most), None) = (platform.post.text, platform.post.title) else { continue };
        let text = fs::read_to_string(file.with_extension("txt")).unwrap();
        assert!(text.trim_end().chars().count() <= most, "{}: {text}", file.display());
        let question = truth["sentences"][0]["text"].as_str().unwrap().to_string();
        if clip == INBOXES[0].clips[0] {
            assert!(text.contains(&question), "{}: {text}", file.display());
        }
    }
}

#[test]
fn the_report_names_every_clip_and_loads_nothing() {
    for ran in ran() {
        let page = fs::read_to_string(ran.desk.out().join("report.html")).unwrap();
        for clip in ran.clips {
            assert!(page.contains(stem(clip)), "{clip}");
        }
        for outside in ["http://", "https://", "src=\"//", "<link", "<script src", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let files: Vec<&str> = links.filter(|link| !link.starts_with('#')).collect();
        assert!(files.len() >= ran.cuts().count(), "{files:?}");
        for file in files {
            assert!(ran.desk.out().join(file).is_file(), "{file}");
        }
    }
}

#[test]
fn an_unchanged_inbox_costs_no_work() {
    for ran in ran() {
        assert_eq!(ran.again.code, 0, "{:?}", ran.again);
        assert_eq!(ran.changed[0], ran.changed[1]);
        assert_eq!(ran.again.events("entered"), Vec::<Value>::new());
        assert_eq!(ran.again.events("ended")[0]["unchanged"], ran.clips.len());
        assert!(ran.again_took < Duration::from_secs(3), "{:?}", ran.again_took);
        assert_eq!(ran.first.entered("render"), ran.clips.len(), "the first run did the work");
    }
}

#[test]
fn covers_are_jpeg_of_their_canvas() {
    for ran in ran() {
        for plan in &ran.plans {
            let file = ran.desk.out().join(format!("covers/{}.jpg", plan.name));
            let about = describe(&file);
            let stream = &about["streams"][0];
            let canvas = plan.cover.as_ref().unwrap().canvas;
            assert_eq!(stream["codec_name"], "mjpeg");
            assert_eq!(
                (number(&stream["width"]), number(&stream["height"])),
                (canvas.width.into(), canvas.height.into())
            );
            assert!(!holds(&fs::read(&file).unwrap(), "Exif"), "{}", file.display());
        }
        assert_eq!(ran.plans.len(), ran.clips.len());
    }
}
