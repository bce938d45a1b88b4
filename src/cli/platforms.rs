//! `housecall platforms`: what is known of each.

use super::ALL_WELL;
use crate::config;
use crate::fault::Fault;
use crate::units::Time;

/// Lists every platform with its limits and their sources.
pub fn platforms() -> Result<u8, Fault> {
    for platform in config::platforms()? {
        let canvases: Vec<String> = platform.canvases.iter().map(|c| c.size.to_string()).collect();
        say!("{}  ({})", platform.id, platform.name);
        say!(
            "  picture   {}{}",
            canvases.join(", "),
            if platform.clean { ", without captions and watermark" } else { "" }
        );
        say!("  length    {} to {}", length(platform.min_duration), length(platform.max_duration));
        say!("  file      at most {} MB", platform.max_bytes / 1_000_000);
        let limit = |n: Option<usize>| n.map_or("none".to_string(), |n| format!("{n} characters"));
        say!("  text      title {}, text {}", limit(platform.post.title), limit(platform.post.text));
        say!("  captions  {}", if platform.sidecar_srt { "an SRT file beside the cut" } else { "in the picture only" });
        for source in &platform.sources {
            let note = source.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
            say!("  source    {} ({}){note}", source.page, source.checked);
        }
        say!("");
    }
    eprintln!(
        "Limits drift: each was read on the day in brackets, as [O] the platform's own page, [T] another's, [G] a guess."
    );
    eprintln!("Where your account may do more, write it into practice.toml under [platform.ID].");
    Ok(ALL_WELL)
}

/// `0.5 s`, `90 s`, `10 min`, `12 h`: in the unit that gives a whole number.
fn length(time: Time) -> String {
    let seconds = time.seconds();
    match seconds {
        s if s >= 3600.0 && s % 3600.0 == 0.0 => format!("{} h", s / 3600.0),
        s if s > 120.0 && s % 60.0 == 0.0 => format!("{} min", s / 60.0),
        s => format!("{s} s"),
    }
}
