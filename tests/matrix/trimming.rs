//! Dead air goes, words stay.

use crate::common::desk::{Desk, samples, small};
use crate::common::ffmpeg;
use crate::footage::{cut, filling, read};
use crate::page;
use housecall::cuts::{ClipPlan, Kept, Recipe};
use housecall::units::{Rate, Size, Time};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const NTSC: Rate = Rate::new(30_000, 1001);

/// The cut's sound, mono at 48 kHz.
fn sound(file: &Path) -> Vec<f32> {
    let raw = file.with_extension("f32");
    let (from, to) = (file.to_str().unwrap(), raw.to_str().unwrap());
    ffmpeg(&["-i", from, "-vn", "-ac", "1", "-ar", "48000", "-f", "f32le", to]);
    fs::read(raw).unwrap().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// The mean luma of each frame of the cut.
fn lumas(file: &Path) -> Vec<u8> {
    let raw = file.with_extension("gray");
    let (from, to) = (file.to_str().unwrap(), raw.to_str().unwrap());
    ffmpeg(&["-i", from, "-an", "-vf", "scale=1:1:flags=area,format=gray", "-f", "rawvideo", to]);
    fs::read(raw).unwrap()
}

/// A small clip of a grey picture and this sound; `picture` is a filter after it.
fn clip(folder: &Path, seconds: u32, picture: &str, sound: &str) -> PathBuf {
    let file = folder.join("clip.mp4");
    let graph = format!("color=gray:s=64x64:r=30000/1001,format=yuv420p{picture}[v];{sound}[a]");
    let length = seconds.to_string();
    let mapped = ["-filter_complex", &graph, "-map", "[v]", "-map", "[a]", "-t", &length];
    // Pictures that lean on none before, so that no flash is smeared.
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "1", "-c:a", "pcm_s16le", "-f", "mov"];
    ffmpeg(&[&mapped[..], &coded, &[file.to_str().unwrap()]].concat());
    file
}

/// The cut of these parts of a clip, counted in its frames.
fn spliced(clip: &Path, parts: impl IntoIterator<Item = std::ops::Range<i64>>) -> (PathBuf, Recipe) {
    let found = read(clip);
    assert_eq!(found.video.rate, NTSC);
    let kept = Kept::of_frames(NTSC, parts);
    let recipe = Recipe { kept, rate: NTSC, ..filling(&found, Size::new(64, 64)) };
    let made = cut(clip, &found, std::slice::from_ref(&recipe), clip.parent().unwrap());
    (made[0].file().to_path_buf(), recipe)
}

/// A picture that turns white and a tone that begins with every thirtieth frame, each in a part of its own: 41 parts of
/// uneven length.
#[test]
fn flash_and_beep_stay_together_over_forty_joins() {
    let folder = tempfile::tempdir().unwrap();
    let period = 30.0 * 1001.0 / 30_000.0;
    let flash = ",geq=lum='if(lt(mod(N\\,30)\\,2)\\,235\\,16)':cb=128:cr=128";
    let beep =
        format!("aevalsrc='if(lt(mod(t\\,{period})\\,0.06)\\,0.5*sin(2*PI*1000*mod(t\\,{period}))\\,0)':s=48000");
    let clip = clip(folder.path(), 44, flash, &beep);
    let (file, recipe) = spliced(&clip, (1..42).map(|n| n * 30 - 4 - n % 5..n * 30 + 6 + n % 4));
    assert_eq!(recipe.kept.joins().len(), 40);

    let (lumas, sound) = (lumas(&file), sound(&file));
    assert_eq!(lumas.len() as i64, recipe.frames());
    let mut offsets = Vec::new();
    for n in 1..42 {
        let frame = recipe.kept.cut_frame(NTSC, n * 30) as usize;
        let seen: Vec<bool> = lumas[frame - 1..frame + 3].iter().map(|luma| *luma > 128).collect();
        assert_eq!(seen, [false, true, true, false], "flash {n}, frame {frame}");
        let shown = NTSC.time_of(frame as i64).samples(48_000);
        let from = shown - 4_800;
        let heard = sound[from..].iter().position(|sample| sample.abs() > 0.05).unwrap() + from;
        offsets.push((heard as f64 - shown as f64) / 48.0);
    }
    let (least, most) = offsets.iter().fold((f64::MAX, f64::MIN), |(l, m), ms| (l.min(*ms), m.max(*ms)));
    let measured = format!("beeps {least:.2} to {most:.2} ms from their flashes over 40 joins");
    println!("{measured}");
    assert!(-1.5 < least && most < 1.5, "{measured}");
    page::show("trimming", "forty joins", &clip, &file, 0.1, &measured);
}

/// How far the sound around a sample is from the tone that it should be: a tone needs no more than two samples to foretell
/// the next, and a click cannot be foretold.
fn surprise(sound: &[f32], hertz: f64, at: usize, reach: usize) -> f32 {
    let turn = 2.0 * (2.0 * std::f64::consts::PI * hertz / 48_000.0).cos() as f32;
    let window = &sound[at.saturating_sub(reach).max(2)..(at + reach).min(sound.len())];
    window.windows(3).map(|s| (s[2] - turn * s[1] + s[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn joins_and_ends_do_not_click() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path(), 12, "", "aevalsrc='0.3*sin(2*PI*150*t)':s=48000");
    // Frame times are no whole number of the tone's turns, so its two sides never fit.
    let (file, recipe) = spliced(&clip, (0..10).map(|n| n * 35 + 3..n * 35 + 3 + 17 + n % 3));
    let sound = sound(&file);
    let joins: Vec<usize> = recipe.kept.joins().iter().map(|join| join.samples(48_000)).collect();
    let loudest = sound.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
    let at_joins = joins.iter().map(|at| surprise(&sound, 150.0, *at, 960)).fold(0.0, f32::max);
    let between = joins.iter().map(|at| surprise(&sound, 150.0, at - 12_000, 960)).fold(0.0, f32::max);
    let length = recipe.duration().samples(48_000);
    let at_ends = surprise(&sound, 150.0, 1_024, 1_024).max(surprise(&sound, 150.0, length, 2_048));
    let measured = format!("joins {at_joins:.5}, ends {at_ends:.5}, elsewhere {between:.5} of a peak of {loudest:.2}");
    println!("{measured}");
    assert!(at_joins < 0.01 * loudest && at_ends < 0.01 * loudest, "{measured}");
    // Parts of the sound that were left out were not put elsewhere, nor is anything missing.
    assert!(sound.len().abs_diff(length) < 2_100, "{} samples for {length}", sound.len());
}

/// Times and texts of an SRT file's cues.
fn cues(file: &Path) -> Vec<(f64, String)> {
    let text = fs::read_to_string(file).unwrap();
    let cue = |block: &str| {
        let mut lines = block.lines().skip(1);
        let start = lines.next().unwrap().split(" --> ").next().unwrap();
        let parts: Vec<f64> = start.split([':', ',']).map(|part| part.parse().unwrap()).collect();
        (parts[0] * 3600.0 + parts[1] * 60.0 + parts[2] + parts[3] / 1000.0, lines.collect::<Vec<_>>().join(" "))
    };
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(cue).collect()
}

/// A sample with 3 s of silence before and 2.5 s after it, and pauses of 2 to 4 s within, through the whole program.
#[test]
fn a_clip_with_dead_air_comes_out_short_with_every_word_and_its_captions_in_time() {
    let (before, after) = (3.0, 2.5);
    let desk = Desk::new();
    desk.practice(&format!("{}[cuts]\ntighten_pauses = 1.2", small("youtube", &[(426, 240)])));
    let sample = samples().join("clips/root-canal.m4v");
    let file = desk.inbox().join("root-canal.mp4");
    let picture = format!("fps=30,scale=320:-2,tpad=start_duration={before}:stop_duration={after}:stop_mode=clone");
    let sound = format!("adelay={}:all=1,apad=pad_dur={after}", before * 1000.0);
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];
    let filters = ["-i", sample.to_str().unwrap(), "-vf", &picture, "-af", &sound];
    ffmpeg(&[&filters[..], &coded, &[file.to_str().unwrap()]].concat());
    desk.drop_file("root-canal.mp4", &fs::read(&file).unwrap());

    let chosen = ["--platforms", "youtube"];
    let done = desk.batch("run", &chosen);
    assert_eq!(done.code, 0, "{done:?}");
    let plan: ClipPlan = serde_json::from_str(desk.batch("plan", &chosen).out.trim()).unwrap();
    let kept = &plan.cuts[0].recipe.kept;
    let truth = fs::read_to_string(samples().join("truth/root-canal.json")).unwrap();
    let truth: Value = serde_json::from_str(&truth).unwrap();
    let moment = |value: &Value| Time::from_seconds(value.as_f64().unwrap() + before);
    let words = truth["words"].as_array().unwrap();
    for word in words {
        let (start, end) = (moment(&word["start"]), moment(&word["end"]));
        let whole = kept.spans().iter().any(|part| part.start <= start && end <= part.end);
        assert!(whole, "{word} is cut by {kept:?}");
    }
    let (first, last) = (moment(&words[0]["start"]), moment(&words[words.len() - 1]["end"]));
    let (lead, tail) = ((first - kept.start()).seconds(), (kept.end() - last).seconds());
    println!("{lead:.2} s before the first word, {tail:.2} s after the last, parts {:?}", kept.spans());
    assert!((0.1..0.7).contains(&lead) && (0.3..1.2).contains(&tail), "{lead} {tail}");
    let pauses = words.windows(2).map(|pair| (moment(&pair[0]["end"]), moment(&pair[1]["start"])));
    for (from, to) in pauses {
        let seen = (kept.cut_time(to).unwrap() - kept.cut_time(from).unwrap()).seconds();
        assert!(seen <= 1.25, "a pause of {seen:.2} s was left of {:.2} s", (to - from).seconds());
    }
    assert!(kept.joins().len() >= 2, "{kept:?}");

    // Captions beside the cut follow the cut, the transcript follows the clip.
    let (beside, transcript) =
        (cues(&desk.out().join("youtube/root-canal.srt")), cues(&desk.out().join("transcripts/root-canal.srt")));
    for sentence in truth["sentences"].as_array().unwrap() {
        let onset = moment(&sentence["start"]);
        for (cues, wanted) in [(&beside, kept.cut_time(onset).unwrap()), (&transcript, onset)] {
            let off = cues.iter().map(|cue| (cue.0 - wanted.seconds()).abs()).fold(f64::MAX, f64::min);
            assert!(off <= 0.4, "{off:.2} s off for {sentence} in {cues:?}");
        }
    }
    // The first word is heard when the file says so: the sound before it is far below the voice.
    let heard = crate::trimming::sound(&desk.out().join("youtube/root-canal.mp4"));
    let level = |from: f64, to: f64| {
        let part = &heard[(from * 48_000.0) as usize..(to * 48_000.0) as usize];
        10.0 * (part.iter().map(|s| f64::from(s * s)).sum::<f64>() / part.len() as f64 + 1e-12).log10()
    };
    let (silent, spoken) = (level(0.03, lead - 0.05), level(lead, lead + 0.3));
    assert!(spoken - silent > 12.0, "{silent:.1} dB before the first word, {spoken:.1} dB in it");
    let report = fs::read_to_string(desk.out().join("report.html")).unwrap();
    assert!(report.contains("s of silence at the start and") && report.contains("pauses were shortened"), "{report}");
    let name = "youtube/root-canal.mp4";
    let measured =
        format!("{lead:.2} s before the first word, {tail:.2} s after the last, {} joins", kept.joins().len());
    page::show("trimming", "dead air", &file, &desk.out().join(name), lead, &measured);
}
