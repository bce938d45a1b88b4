//! `housecall doctor`: is this computer fit?

use super::{ALL_WELL, NO_START};
use crate::captions::{self, Fonts};
use crate::fault::Fault;
use crate::media::encoders;
use crate::pipeline::budget::Machine;
use crate::pipeline::{self, Trial, Verdict};
use crate::speech::{self, Located};
use std::path::Path;

/// Tries everything that a run needs, and says what is missing and how to get it; also in the folder `out`, if one is named.
pub fn doctor(out: Option<&Path>) -> Result<u8, Fault> {
    let mut fit = true;
    let mut tell = |needed: bool, what: &str, good: bool, advice: &str| {
        fit &= good || !needed;
        let mark = match (good, needed) {
            (true, _) => "ok     ",
            (false, true) => "MISSING",
            (false, false) => "absent ",
        };
        say!("{mark}  {what}{}", if good { String::new() } else { format!(": {advice}") });
    };
    say!("        {}", crate::media::version());
    tell(
        true,
        "H.264 encoder (libx264, tried)",
        encoders::works(encoders::SOFTWARE),
        "install FFmpeg's libraries with libx264",
    );
    for (filter, purpose) in
        [("ass", "captions"), ("zscale", "colour"), ("overlay", "watermark"), ("gblur", "blurred background")]
    {
        let advice = format!("install FFmpeg's libraries with the {filter} filter");
        tell(true, &format!("filter {filter} ({purpose})"), crate::media::has_filter(filter), &advice);
    }
    for id in captions::style_names() {
        let style = captions::style(id)?;
        let fonts =
            Fonts::load(&style.fonts, style.bold).and_then(|fonts| fonts.check("Take 2 mg, “twice” a day – é ñ ü"));
        let advice = fonts.as_ref().err().map(|f| f.advice().to_string()).unwrap_or_default();
        tell(true, &format!("fonts of the caption style {id}"), fonts.is_ok(), &advice);
    }
    let model = speech::find(None, "en", &speech::folders()?)?;
    let advice = "it is downloaded when a run first needs it";
    tell(false, "speech model for English", matches!(model, Located::Present(_)), advice);
    for encoder in encoders::HARDWARE {
        tell(false, &format!("hardware encoder {encoder} (tried)"), encoders::works(encoder), "libx264 is used");
    }
    let Machine { cores, memory } = Machine::here();
    let memory = memory.map_or(String::new(), |bytes| format!(", {} MB of memory free for it", bytes / 1_000_000));
    say!("        {cores} cores{memory}");
    if let Some(out) = out {
        fit &= folder(out)?;
    }
    Ok(if fit { ALL_WELL } else { NO_START })
}

/// Tries a folder for cuts; whether it will do.
fn folder(out: &Path) -> Result<bool, Fault> {
    say!("        {}:", out.display());
    let trials = pipeline::try_folder(out)?;
    for Trial { what, verdict } in &trials {
        match verdict {
            Verdict::Good(seen) if seen.is_empty() => say!("ok       {what}"),
            Verdict::Good(seen) => say!("ok       {what}: {seen}"),
            Verdict::Absent(instead) => say!("absent   {what}: {instead}"),
            Verdict::Missing(advice) => say!("MISSING  {what}: {advice}"),
        }
    }
    Ok(!trials.iter().any(|trial| matches!(trial.verdict, Verdict::Missing(_))))
}
