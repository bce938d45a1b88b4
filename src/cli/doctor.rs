//! `housecall doctor`: is this computer fit?

use super::{ALL_WELL, NO_START};
use crate::captions::{self, Fonts};
use crate::fault::Fault;
use crate::media::encoders;
use crate::pipeline::budget::Machine;
use crate::speech::{self, Located};

/// Tries everything that a run needs, and says what is missing and how to get it.
pub fn doctor() -> Result<u8, Fault> {
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
    Ok(if fit { ALL_WELL } else { NO_START })
}
