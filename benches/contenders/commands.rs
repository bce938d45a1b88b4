//! The ffmpeg commands that people write for the same cuts. Pure.

use crate::task::Task;
use anyhow::{Result, ensure};
use housecall::cuts::{self, Placement, Recipe, Render};
use housecall::media::{Colour, Transfer};
use housecall::units::{Rect, Size, Time};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who writes the command.
#[derive(Clone, Copy)]
pub enum Author<'a> {
    /// Somebody who writes one command a platform: ffmpeg turns the picture upright, HDR is tone-mapped at full size, and
    /// the number of threads is left to ffmpeg.
    Script,
    /// Somebody who knows: one decode, scaled to the largest size that is needed and then tone-mapped and turned, one
    /// encode for each unique render, and leaves the number of threads to ffmpeg: it hands pictures from one thread to all
    /// encoders in turn, so that encoders of one thread would leave cores idle.
    Expert,
    /// What all are compared with: no step is saved, and HDR is brought to SDR by this table of the definition.
    Reference(&'a Path),
}

/// ffmpeg as all commands start.
pub fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-y", "-loglevel", "error"]);
    command
}

/// Input options that read what is kept of the clip.
pub fn kept(command: &mut Command, task: &Task, recipe: &Recipe) {
    command.args(["-ss", &recipe.kept.start().seconds().to_string()]);
    command.args(["-t", &recipe.kept.duration().seconds().to_string()]);
    command.arg("-i").arg(&task.clip);
}

/// The command that makes a file of each render; `files` has the ASS document and the file of each.
///
/// # Errors
/// The renders keep different parts of the clip, so that one command cannot cut them all.
pub fn cut(author: Author, task: &Task, renders: &[&Render], files: &[(PathBuf, PathBuf)]) -> Result<Command> {
    let first = renders[0].recipe;
    for recipe in renders.iter().map(|render| render.recipe) {
        let same = recipe.kept == first.kept && recipe.rate == first.rate && recipe.hold == first.hold;
        ensure!(same && recipe.kept.spans().len() == 1, "{}: no one command makes such cuts", task.plan.name);
    }
    let raw = matches!(author, Author::Reference(_));
    let mut command = ffmpeg();
    if matches!(author, Author::Expert) {
        command.arg("-noautorotate");
    }
    kept(&mut command, task, first);
    for mark in renders.iter().flat_map(|render| &render.recipe.marks) {
        command.arg("-i").arg(&mark.file);
    }
    let mut graph = picture_graph(author, task, renders, files);
    let sounds = renders.iter().all(|render| render.recipe.sound.is_some()) && !raw;
    if sounds {
        graph.push_str(&sound_graph(renders)?);
    }
    command.args(["-filter_complex", &graph]);
    for (i, (render, (_, file))) in renders.iter().zip(files).enumerate() {
        let recipe = render.recipe;
        command.args(["-map", &format!("[picture{i}]")]);
        if raw {
            command.args(["-f", "rawvideo", "-frames:v", &recipe.frames().to_string()]).arg(file);
            continue;
        }
        if let Some(sound) = recipe.sound.as_ref().filter(|_| sounds) {
            command.args(["-map", &format!("[sound{i}]"), "-c:a", "aac", "-ac", "2"]);
            command.args(["-b:a", &format!("{}k", sound.bit_rate)]);
        }
        encoder(&mut command, recipe, None);
        command.args(["-map_metadata", "-1", "-movflags", "+faststart"]).arg(file);
    }
    Ok(command)
}

/// Output options of the encoder, with all the settings of the recipe.
pub fn encoder(command: &mut Command, recipe: &Recipe, threads: Option<u32>) {
    let codec = &recipe.codec;
    command.args(["-c:v", &codec.encoder, "-preset", &codec.preset, "-profile:v", "high"]);
    match codec.target_rate {
        Some(mean) => command.args(["-b:v", &format!("{mean}k")]),
        None => command.args(["-crf", &codec.crf.to_string()]),
    };
    command.args(["-maxrate", &format!("{}k", codec.max_rate)]);
    command.args(["-bufsize", &format!("{}k", codec.max_rate * cuts::BUFFER_SECONDS)]);
    command.args(["-g", &codec.gop.to_string(), "-bf", "2", "-flags", "+cgop"]);
    command.args(["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]);
    command.args(["-frames:v", &recipe.frames().to_string()]);
    if let Some(threads) = threads {
        command.args(["-threads", &threads.to_string()]);
    }
}

/// From the clip to `[picture0]`, `[picture1]` and so on.
fn picture_graph(author: Author, task: &Task, renders: &[&Render], files: &[(PathBuf, PathBuf)]) -> String {
    let track = &task.probe.video;
    let rate = renders[0].recipe.rate;
    // From zero on, as Housecall counts: else a first picture that comes late would move all others.
    let mut trunk = vec![format!("fps={}/{}:start_time=0", rate.num, rate.den)];
    let displayed = track.displayed;
    let size = match author {
        Author::Expert => working_size(displayed, renders),
        Author::Script | Author::Reference(_) => displayed,
    };
    let turned = matches!(author, Author::Expert) && track.orientation.swaps_sides();
    let coded = if turned { Size::new(size.height, size.width) } else { size };
    match author {
        Author::Reference(table) if track.colour.transfer != Transfer::Sdr => {
            trunk.extend(by_table(&track.colour, coded, table));
        }
        _ if !track.colour.is_plain() => trunk.extend(to_bt709(&track.colour, coded)),
        _ if size != displayed => trunk.push(format!("scale={}:{}:flags=bicubic", coded.width, coded.height)),
        _ => {}
    }
    if matches!(author, Author::Expert) {
        trunk.extend(track.orientation.filters().into_iter().map(String::from));
    }
    let ways: String = (0..renders.len()).map(|i| format!("[way{i}]")).collect();
    let mut graph = format!("[0:v:0]{},split={}{ways}", trunk.join(","), renders.len());
    let mut input = 0;
    for (i, (render, (script, _))) in renders.iter().zip(files).enumerate() {
        let recipe = render.recipe;
        let mut branch = vec![placed(recipe, displayed, size), "setsar=1".into()];
        if recipe.hold.0 > 0 {
            branch.push(format!("tpad=stop_mode=clone:stop_duration={}", recipe.hold.seconds()));
        }
        if recipe.script.is_some() {
            branch.push(format!("ass=filename={}", script.display()));
        }
        graph.push_str(&format!(";[way{i}]{}[p{i}_0]", branch.join(",")));
        for (m, mark) in recipe.marks.iter().enumerate() {
            input += 1;
            let (place, next) = (mark.place, m + 1);
            graph.push_str(&format!(
                ";[{input}:v]scale={}:{},format=rgba,colorchannelmixer=aa={}[m{i}_{m}];\
                 [p{i}_{m}][m{i}_{m}]overlay=x={}:y={}:enable='gte(t,{})*lt(t,{})'[p{i}_{next}]",
                place.width,
                place.height,
                mark.opacity,
                place.x,
                place.y,
                mark.span.start.seconds(),
                mark.span.end.seconds()
            ));
        }
        graph.push_str(&format!(";[p{i}_{}]format=yuv420p[picture{i}]", recipe.marks.len()));
    }
    graph
}

/// From the clip to `[sound0]`, `[sound1]` and so on.
fn sound_graph(renders: &[&Render]) -> Result<String> {
    let recipe = renders[0].recipe;
    let mastered = |recipe: &Recipe| recipe.sound.as_ref().map(|sound| (sound.gain, sound.ceiling));
    ensure!(renders.iter().all(|render| mastered(render.recipe) == mastered(recipe)), "cuts that differ in sound");
    let (gain, ceiling) = mastered(recipe).unwrap_or_default();
    // `alimiter` looks at samples, not between them: half a dB is left for what lies there.
    let limit = 10f64.powf((ceiling - 0.5) / 20.0);
    let ways: String = (0..renders.len()).map(|i| format!("[sound{i}]")).collect();
    Ok(format!(
        ";[0:a:0]aresample=48000,volume={gain}dB,alimiter=limit={limit}:level=disabled,apad=whole_dur={},asplit={}{ways}",
        recipe.duration().seconds(),
        renders.len()
    ))
}

/// The filters that people use to bring a picture to BT.709; HDR with the curve that Housecall has. Scaled first.
fn to_bt709(colour: &Colour, size: Size) -> Vec<String> {
    if colour.transfer == Transfer::Sdr {
        return colour.filters(size.width, size.height).into();
    }
    vec![
        format!("zscale=w={}:h={}:f=bicubic:{}:d=none", size.width, size.height, meaning(colour)),
        "zscale=t=linear:npl=203".into(),
        "format=gbrpf32le".into(),
        "zscale=p=709".into(),
        "tonemap=mobius:peak=4.93:desat=0".into(),
        "zscale=m=709:t=709:r=limited:d=none".into(),
        "format=yuv420p".into(),
    ]
}

/// The same by a table of the definition, which also cuts off what BT.709 cannot show.
fn by_table(colour: &Colour, size: Size, table: &Path) -> Vec<String> {
    vec![
        format!("zscale=w={}:h={}:f=bicubic:{}:d=none:m=gbr:r=full", size.width, size.height, meaning(colour)),
        "format=gbrp10le".into(),
        format!("lut3d=file={}:interp=tetrahedral", table.display()),
        "zscale=min=gbr:rin=full:m=709:r=limited:d=none".into(),
        "format=yuv420p".into(),
    ]
}

/// What the codes of the clip mean, for `zscale`.
fn meaning(colour: &Colour) -> String {
    let curve = match colour.transfer {
        Transfer::Sdr => "709",
        Transfer::Hlg => "arib-std-b67",
        Transfer::Pq => "smpte2084",
    };
    let range = if colour.full_range { "full" } else { "limited" };
    format!("min={}:pin={}:tin={curve}:rin={range}", colour.matrix, colour.primaries)
}

/// The largest size that any render needs the clip at, and never larger than the clip.
fn working_size(displayed: Size, renders: &[&Render]) -> Size {
    let needed = renders.iter().map(|render| match &render.recipe.placement {
        Placement::Fit { picture } => f64::from(picture.width) / f64::from(displayed.width),
        other => {
            let crop = other.crop_at(Time::ZERO).unwrap_or(displayed.rect());
            f64::from(render.recipe.canvas.width) / f64::from(crop.width)
        }
    });
    let scale = needed.fold(0.0, f64::max).min(1.0);
    let even = |length: u32| (((f64::from(length) * scale / 2.0).round() as u32) * 2).max(2);
    Size::new(even(displayed.width), even(displayed.height))
}

/// The filters that put a picture of `size` on the canvas: the recipe's own crop, or the whole over a blurred copy.
fn placed(recipe: &Recipe, displayed: Size, size: Size) -> String {
    let canvas = recipe.canvas;
    match &recipe.placement {
        Placement::Fit { picture } => {
            let (w, h) = ((canvas.width / 8).next_multiple_of(2), (canvas.height / 8).next_multiple_of(2));
            format!(
                "split[back{0}][front{0}];\
                 [back{0}]scale={w}:{h}:force_original_aspect_ratio=increase:flags=area,crop={w}:{h},\
                 gblur=sigma=6,lutyuv=y='16+(val-16)*0.55',scale={1}:{2}:flags=bilinear,setsar=1[blurred{0}];\
                 [front{0}]scale={3}:{4}:flags=lanczos,setsar=1[sharp{0}];[blurred{0}][sharp{0}]overlay=x={5}:y={6}",
                canvas.width * 10_000 + canvas.height,
                canvas.width,
                canvas.height,
                picture.width,
                picture.height,
                picture.x,
                picture.y
            )
        }
        other => {
            // A plain command follows nobody: it keeps the place where the window starts.
            let crop = scaled(other.crop_at(Time::ZERO).unwrap_or(displayed.rect()), displayed, size);
            let mut filters = format!("crop={}:{}:{}:{}:exact=1", crop.width, crop.height, crop.x, crop.y);
            if crop.size() != canvas {
                filters.push_str(&format!(",scale={}:{}:flags=lanczos", canvas.width, canvas.height));
            }
            filters
        }
    }
}

/// A rectangle of the displayed picture in a picture of `size`; even, and inside.
fn scaled(rect: Rect, displayed: Size, size: Size) -> Rect {
    let across = f64::from(size.width) / f64::from(displayed.width);
    let down = f64::from(size.height) / f64::from(displayed.height);
    let even = |length: u32, by: f64| ((f64::from(length) * by / 2.0).round() * 2.0) as u32;
    let (width, height) =
        (even(rect.width, across).clamp(2, size.width), even(rect.height, down).clamp(2, size.height));
    let (x, y) = (even(rect.x, across).min(size.width - width), even(rect.y, down).min(size.height - height));
    Rect::new(x & !1, y & !1, width, height)
}
