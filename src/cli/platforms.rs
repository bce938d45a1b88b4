//! `housecall platforms`: what is known of each.

use super::ALL_WELL;
use crate::config;
use crate::fault::Fault;

/// Lists every platform with its limits and their sources.
pub fn platforms() -> Result<u8, Fault> {
    for platform in config::platforms_with(config::user_folder().as_deref())? {
        let canvases: Vec<String> = platform.canvases.iter().map(|c| c.size.to_string()).collect();
        println!("{}  ({})", platform.id, platform.name);
        println!(
            "  picture   {}{}",
            canvases.join(", "),
            if platform.clean { ", without captions and watermark" } else { "" }
        );
        println!("  length    {} to {}", platform.min_duration, platform.max_duration);
        println!("  file      at most {} MB", platform.max_bytes / 1_000_000);
        let limit = |n: Option<usize>| n.map_or("none".to_string(), |n| format!("{n} characters"));
        println!("  text      title {}, text {}", limit(platform.post.title), limit(platform.post.text));
        println!(
            "  captions  {}",
            if platform.sidecar_srt { "an SRT file beside the cut" } else { "in the picture only" }
        );
        for source in &platform.sources {
            let note = source.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
            println!("  source    {} ({}){note}", source.page, source.checked);
        }
        println!();
    }
    Ok(ALL_WELL)
}
