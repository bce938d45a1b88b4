//! Clips with known answers go through probe, render and verify.

use crate::common::{ffmpeg, ffprobe, recipe};
use housecall::cuts::{Limits, Placement, Recipe, Sound};
use housecall::fault::Cancel;
use housecall::media::probe::probe;
use housecall::media::render::{Job, Rendered, Setting, render};
use housecall::media::verify::{Verified, verify};
use housecall::trace::Trace;
use housecall::units::{Rect, Size, Span, Time};
use std::path::{Path, PathBuf};

fn limits() -> Limits {
    Limits { min_duration: Time::ZERO, max_duration: Time::from_seconds(60.0), max_bytes: 50 << 20 }
}

fn make(clip: &Path, recipes: &[Recipe], folder: &Path) -> Vec<Verified> {
    let cancel = Cancel::new();
    let probe = probe(clip, &cancel).unwrap();
    let setting = Setting {
        shared: None,
        clip,
        probe: &probe,
        threads: 2,
        cancel: &cancel,
        progress: &|_| {},
        decoded: &|| {},
        trace: &Trace::default(),
    };
    let jobs: Vec<Job> =
        recipes.iter().enumerate().map(|(i, recipe)| Job { recipe, file: folder.join(format!("{i}.mp4")) }).collect();
    let check = |i: usize, rendered| verify(rendered, &recipes[i], &[&limits()], &cancel);
    render(&setting, &jobs, None, &check).0.into_iter().map(|r| r.unwrap()).collect()
}

/// Four coloured quadrants with a quiet tone, stored sideways with a display matrix as a phone held upright does.
fn sideways(folder: &Path) -> PathBuf {
    let upright = "color=red:s=540x960,pad=1080:1920[a];color=green:s=540x960[b];color=blue:s=540x960[c];color=yellow:s=540x960[d];\
        [a][b]overlay=540:0[e];[e][c]overlay=0:960[f];[f][d]overlay=540:960,transpose=clock,format=gbrp,scale=out_color_matrix=bt709,format=yuv420p[v]";
    let (plain, turned) = (folder.join("plain.mp4"), folder.join("turned.mov"));
    let (plain_name, turned_name) = (plain.to_str().unwrap(), turned.to_str().unwrap());
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=44100",
        "-filter_complex",
        upright,
        "-map",
        "[v]",
        "-map",
        "0:a",
        "-t",
        "3",
        "-r",
        "30",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-color_range",
        "tv",
        "-colorspace",
        "bt709",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
        "-af",
        "volume=-20dB",
        "-c:a",
        "aac",
        plain_name,
    ]);
    ffmpeg(&[
        "-i",
        plain_name,
        "-c",
        "copy",
        "-metadata:s:v:0",
        "rotate=90",
        "-metadata",
        "location=+48.8577+002.295/",
        "-metadata",
        "make=Phone",
        turned_name,
    ]);
    turned
}

/// The mean colour of a small square around a point of a frame.
fn colour_at(file: &Path, (x, y): (u32, u32)) -> [u8; 3] {
    let out = file.with_extension("rgb");
    let crop = format!("crop=8:8:{x}:{y},scale=1:1:flags=area:in_color_matrix=bt709,format=rgb24");
    ffmpeg(&[
        "-ss",
        "1",
        "-i",
        file.to_str().unwrap(),
        "-frames:v",
        "1",
        "-vf",
        &crop,
        "-f",
        "rawvideo",
        out.to_str().unwrap(),
    ]);
    let bytes = std::fs::read(out).unwrap();
    [bytes[0], bytes[1], bytes[2]]
}

#[test]
fn a_sideways_clip_comes_out_upright_without_its_location() {
    let folder = tempfile::tempdir().unwrap();
    let clip = sideways(folder.path());
    let found = probe(&clip, &Cancel::new()).unwrap();
    assert_eq!(found.video.displayed, Size::new(1080, 1920));
    assert!(found.private.iter().any(|p| p.key == "location"), "{:?}", found.private);

    let tall = recipe(found.video.displayed, Size::new(1080, 1920), 3.0);
    let mut wide = recipe(found.video.displayed, Size::new(1280, 720), 3.0);
    wide.placement = Placement::Fit { picture: Rect::new(438, 0, 404, 720) };
    wide.hold = Time::from_seconds(1.0);
    let made = make(&clip, &[tall, wide], folder.path());

    let corners = [[255, 0, 0], [0, 128, 0], [0, 0, 255], [255, 255, 0]];
    for (file, points) in [
        (made[0].file(), [(200, 300), (800, 300), (200, 1500), (800, 1500)]),
        (made[1].file(), [(500, 100), (760, 100), (500, 600), (760, 600)]),
    ] {
        for (point, wanted) in points.into_iter().zip(corners) {
            let got = colour_at(file, point);
            let off = got.iter().zip(wanted).map(|(g, w): (&u8, i32)| (i32::from(*g) - w).abs()).max().unwrap();
            assert!(off <= 6, "{point:?} of {} is {got:?}, not {wanted:?}", file.display());
        }
        let shown = ffprobe(&["-show_format", "-show_streams"], file);
        for private in ["48.8577", "TAG:make", "rotation", "Phone", "TAG:encoder"] {
            assert!(!shown.contains(private), "{private} in {shown}");
        }
    }
    assert_eq!(made[0].duration, Time::from_seconds(3.0));
    assert_eq!(made[1].duration, Time::from_seconds(4.0));
}

#[test]
fn loudness_agrees_with_ffmpegs_own_meter() {
    let folder = tempfile::tempdir().unwrap();
    let clip = sideways(folder.path());
    let made = make(&clip, &[recipe(Size::new(1080, 1920), Size::new(540, 960), 3.0)], folder.path());
    let said = ffmpeg(&["-i", made[0].file().to_str().unwrap(), "-af", "ebur128=peak=true", "-f", "null", "-"]);
    let summary = &said[said.rfind("Summary").unwrap()..];
    let number = |label: &str| -> f64 {
        summary.split(label).nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
    };
    let sound = made[0].sound.unwrap();
    println!(
        "loudness {} (ours {:.2}), peak {} (ours {:.2})",
        number("I:"),
        sound.loudness,
        number("Peak:"),
        sound.true_peak
    );
    assert!((number("I:") - sound.loudness).abs() <= 0.15 && (number("Peak:") - sound.true_peak).abs() <= 0.2);
    assert!((sound.loudness + 14.0).abs() <= 0.5 && sound.true_peak <= -1.5);
}

#[test]
fn a_flash_and_its_beep_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("flash.mp4");
    // White for a tenth of a second and 1 kHz with it, at every full second; the sound track starts late.
    let picture =
        "color=black:s=320x240:r=30,format=yuv420p,geq=lum='if(lt(mod(T\\,1)\\,0.1)\\,235\\,16)':cb=128:cr=128[v]";
    let sound = "aevalsrc='if(lt(mod(t\\,1)\\,0.1)\\,0.5*sin(2*PI*1000*t)\\,0)':s=48000,atrim=start=0.5[a]";
    ffmpeg(&[
        "-filter_complex",
        &format!("{picture};{sound}"),
        "-map",
        "[v]",
        "-map",
        "[a]",
        "-t",
        "8",
        "-c:v",
        "libx264",
        "-c:a",
        "aac",
        clip.to_str().unwrap(),
    ]);
    let made = make(&clip, &[recipe(Size::new(320, 240), Size::new(320, 240), 6.0)], folder.path());
    let raw = folder.path().join("sound.raw");
    ffmpeg(&[
        "-i",
        made[0].file().to_str().unwrap(),
        "-vn",
        "-ac",
        "1",
        "-ar",
        "48000",
        "-f",
        "f32le",
        raw.to_str().unwrap(),
    ]);
    let samples: Vec<f32> =
        std::fs::read(raw).unwrap().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let grey = folder.path().join("picture.raw");
    ffmpeg(&[
        "-i",
        made[0].file().to_str().unwrap(),
        "-an",
        "-vf",
        "scale=1:1:flags=area,format=gray",
        "-f",
        "rawvideo",
        grey.to_str().unwrap(),
    ]);
    let lumas = std::fs::read(grey).unwrap();
    for second in 1..6 {
        let flash = (second * 30 - 5..second * 30 + 5).find(|n| lumas[*n] > 128).unwrap() as f64 / 30.0;
        let from = second * 48_000 - 9_600;
        let beep = samples[from..from + 19_200].iter().position(|s| s.abs() > 0.1).unwrap() + from;
        let off = beep as f64 / 48_000.0 - flash;
        assert!(off.abs() < 0.012, "beep {off:.4} s after the flash of second {second}");
    }
}

#[test]
fn verify_refuses_what_is_not_as_planned() {
    let folder = tempfile::tempdir().unwrap();
    let clip = sideways(folder.path());
    let planned = recipe(Size::new(1080, 1920), Size::new(360, 640), 2.0);
    let file = make(&clip, std::slice::from_ref(&planned), folder.path())[0].file().to_path_buf();
    let check = |file: &Path, recipe: &Recipe, limits: Limits| {
        verify(Rendered::again(file.to_path_buf()), recipe, &[&limits], &Cancel::new())
            .map(|_| ())
            .map_err(|f| f.to_string())
    };
    assert_eq!(check(&file, &planned, limits()), Ok(()));

    let sound = planned.sound.clone().unwrap();
    let quieter = Sound { target: Some(-20.0), ..sound.clone() };
    let lower_peak = Sound { ceiling: -20.0, ..sound };
    for (what, wrong) in [
        (
            "pictures where 90",
            Recipe { kept: Span::new(Time::ZERO, Time::from_seconds(3.0)).into(), ..planned.clone() },
        ),
        ("where 640x360", Recipe { canvas: Size::new(640, 360), ..planned.clone() }),
        ("a loudness of", Recipe { sound: Some(quieter), ..planned.clone() }),
        ("a true peak of", Recipe { sound: Some(lower_peak), ..planned.clone() }),
        ("2 tracks where 1", Recipe { sound: None, ..planned.clone() }),
    ] {
        let said = check(&file, &wrong, limits()).unwrap_err();
        assert!(said.contains(what), "{said}");
    }
    let too_small = Limits { max_bytes: 1000, ..limits() };
    assert!(check(&file, &planned, too_small).unwrap_err().contains("bytes where 1000"));
    let too_short = Limits { max_duration: Time::from_seconds(1.0), ..limits() };
    assert!(check(&file, &planned, too_short).unwrap_err().contains("long where"));

    let name = file.to_str().unwrap();
    let remade = |how: &[&str], to: &str| {
        let to = folder.path().join(to);
        ffmpeg(&[&["-i", name], how, &[to.to_str().unwrap()]].concat());
        to
    };
    let located =
        remade(&["-c", "copy", "-movflags", "+faststart", "-metadata", "location=+48.8577+002.295/"], "located.mp4");
    let edited = remade(&["-c", "copy", "-movflags", "+faststart", "-ss", "0.5"], "edited.mp4");
    let index_last = remade(&["-c", "copy", "-fflags", "+bitexact", "-use_editlist", "0"], "index-last.mp4");
    let bt601 = remade(
        &[
            "-c:a",
            "copy",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-colorspace",
            "smpte170m",
            "-fflags",
            "+bitexact",
            "-movflags",
            "+faststart+negative_cts_offsets",
            "-use_editlist",
            "0",
        ],
        "bt601.mp4",
    );
    for wrong in [located, edited, index_last, bt601] {
        let said = check(&wrong, &planned, limits()).unwrap_err();
        println!("{}: {said}", wrong.display());
    }
    let whole = std::fs::read(&file).unwrap();
    let torn = folder.path().join("torn.mp4");
    for length in [0, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&torn, &whole[..length]).unwrap();
        assert!(check(&torn, &planned, limits()).is_err(), "cut at {length}");
    }
    let mut damaged = whole.clone();
    let middle = whole.len() * 2 / 3;
    damaged[middle..middle + 2000].fill(0x55);
    std::fs::write(&torn, damaged).unwrap();
    assert!(check(&torn, &planned, limits()).is_err(), "damaged in the middle");
}

/// Where the payload of a file's packets lies: of those of a stream, whether each is a key picture, its place and size.
fn packets(file: &Path, stream: &str) -> Vec<(bool, usize, usize)> {
    let text =
        ffprobe(&["-select_streams", stream, "-show_entries", "packet=flags,pos,size", "-of", "compact=p=0"], file);
    let value = |line: &str, name: &str| line.split('|').find_map(|f| f.strip_prefix(name)).unwrap().to_string();
    let number = |line: &str, name: &str| value(line, name).parse().unwrap();
    text.lines().map(|l| (value(l, "flags=").starts_with('K'), number(l, "pos="), number(l, "size="))).collect()
}

/// Every fault is put into a file of its own between its encoder and its check.
#[test]
fn what_happens_to_a_file_before_its_check_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let clip = sideways(folder.path());
    let planned = recipe(Size::new(1080, 1920), Size::new(180, 320), 2.0);
    let change = |file: &Path, how: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(file).unwrap();
        how(&mut bytes);
        std::fs::write(file, bytes).unwrap();
    };
    let remake = |file: &Path, how: &[&str]| {
        let to = file.with_extension("new.mp4");
        let layout = ["-fflags", "+bitexact", "-movflags", "+faststart+negative_cts_offsets", "-use_editlist", "0"];
        ffmpeg(&[how, &layout, &[to.to_str().unwrap()]].concat());
        std::fs::rename(to, file).unwrap();
    };
    let picture = |file: &Path, filter: &str| {
        let tags = "-bf 2 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv -flags +bitexact";
        let tags: Vec<&str> = tags.split(' ').collect();
        let how = ["-i", file.to_str().unwrap(), "-c:a", "copy", "-vf", filter, "-c:v", "libx264"];
        remake(file, &[&how, &tags[..], &["-frames:v", "60"]].concat());
    };
    type Spoil<'a> = &'a (dyn Fn(&Path) + Sync);
    let cases: [(&str, Spoil, &[&str]); 9] = [
        ("nothing", &|_| (), &[]),
        ("cut off", &|file| change(file, &|bytes| bytes.truncate(bytes.len() * 2 / 3)), &[""]),
        (
            "one bit of a picture between two keys",
            &|file| {
                let (_, place, size) = packets(file, "v").into_iter().filter(|p| !p.0).max_by_key(|p| p.2).unwrap();
                change(file, &|bytes| bytes[place + size / 2] ^= 1);
            },
            &["its picture is not the one", "does not decode", "does not show"],
        ),
        (
            "one bit of the sound",
            &|file| {
                let (_, place, size) = packets(file, "a")[30];
                change(file, &|bytes| bytes[place + size / 2] ^= 1);
            },
            &["its sound is not the one", "does not decode"],
        ),
        ("black", &|file| picture(file, "drawbox=t=fill"), &["its picture is not the one"]),
        (
            "frozen",
            &|file| picture(file, "select='eq(n,0)',tpad=stop_mode=clone:stop=59"),
            &["its picture is not the one"],
        ),
        (
            "silent",
            &|file| {
                let name = file.to_str().unwrap();
                remake(file, &["-i", name, "-c:v", "copy", "-af", "volume=0", "-c:a", "aac", "-flags", "+bitexact"]);
            },
            &["its sound is not the one", "do not start together"],
        ),
        (
            "sound late",
            &|file| {
                let late = "adelay=200:all=1,atrim=end=2";
                let name = file.to_str().unwrap();
                remake(file, &["-i", name, "-c:v", "copy", "-af", late, "-c:a", "aac", "-flags", "+bitexact"]);
            },
            &["its sound is not the one"],
        ),
        (
            "a picture lost",
            &|file| {
                let name = file.to_str().unwrap();
                remake(file, &["-i", name, "-c", "copy", "-frames:v", "59"]);
            },
            &["59 pictures where 60"],
        ),
    ];
    let cancel = Cancel::new();
    let probe = probe(&clip, &cancel).unwrap();
    let setting = Setting {
        shared: None,
        clip: &clip,
        probe: &probe,
        threads: 2,
        cancel: &cancel,
        progress: &|_| {},
        decoded: &|| {},
        trace: &Trace::default(),
    };
    let file = |i: usize| folder.path().join(format!("{i}.mp4"));
    let jobs: Vec<Job> = (0..cases.len()).map(|i| Job { recipe: &planned, file: file(i) }).collect();
    let (results, _) = render(&setting, &jobs, None, &|i, rendered| {
        let before = std::fs::read(rendered.file()).unwrap();
        cases[i].1(rendered.file());
        assert_eq!(std::fs::read(rendered.file()).unwrap() == before, i == 0, "{}", cases[i].0);
        verify(rendered, &planned, &[&limits()], &cancel)
    });
    for ((what, _, told), result) in cases.iter().zip(results) {
        let said = result.map(|_| ()).map_err(|fault| fault.to_string());
        println!("{what}: {said:?}");
        match said {
            Ok(()) => assert!(told.is_empty(), "{what} was not found"),
            Err(said) => assert!(told.iter().any(|told| said.contains(told)), "{what}: {said}"),
        }
    }
}

#[test]
fn hlg_is_tone_mapped_to_the_level_that_the_design_names() {
    let folder = tempfile::tempdir().unwrap();
    // 38% grey and 75% white of HLG as 10-bit codes; what they become was measured once with the float filters.
    for (code, wanted) in [(64 + 876 * 38 / 100, 109), (64 + 876 * 75 / 100, 202)] {
        let clip = folder.path().join(format!("hlg-{code}.mov"));
        let picture = format!("color=gray:s=320x240:r=30,format=yuv420p10le,geq=lum={code}:cb=512:cr=512");
        ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            &picture,
            "-t",
            "1",
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=error:crf=5",
            "-color_primaries",
            "bt2020",
            "-color_trc",
            "arib-std-b67",
            "-colorspace",
            "bt2020nc",
            "-color_range",
            "tv",
            clip.to_str().unwrap(),
        ]);
        let planned = Recipe { sound: None, ..recipe(Size::new(320, 240), Size::new(320, 240), 1.0) };
        let made = make(&clip, &[planned], folder.path());
        let raw = folder.path().join("grey.raw");
        ffmpeg(&[
            "-i",
            made[0].file().to_str().unwrap(),
            "-frames:v",
            "1",
            "-pix_fmt",
            "yuv420p",
            "-f",
            "rawvideo",
            raw.to_str().unwrap(),
        ]);
        let planes = std::fs::read(&raw).unwrap();
        let (luma, chroma) = (i32::from(planes[320 * 120 + 160]), i32::from(planes[320 * 240 + 160 * 60 + 80]));
        println!("HLG code {code}: luma {luma}, chroma {chroma}");
        assert!((luma - wanted).abs() <= 3 && (chroma - 128).abs() <= 1, "code {code} became {luma}/{chroma}");
    }
}
