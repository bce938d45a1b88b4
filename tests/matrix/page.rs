//! The page for a person's eye: a frame of the source beside the same moment of the cut. Made only by `make matrix`.

use crate::common::ffmpeg;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the page is made; none in `make test`.
fn folder() -> Option<PathBuf> {
    std::env::var_os("HOUSECALL_MATRIX_PAGE").map(PathBuf::from)
}

/// Puts the picture of `clip` and that of `cut`, `at` seconds in, side by side, with what was measured. `case` is a few
/// plain words, unlike every other case of the group.
pub fn show(group: &str, case: &str, clip: &Path, cut: &Path, at: f64, measured: &str) {
    let Some(page) = folder() else { return };
    let stem = format!("{group}-{case}").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    fs::create_dir_all(&page).unwrap();
    for (of, file) in [("source", clip), ("cut", cut)] {
        let (seek, target) = (format!("{at:.3}"), page.join(format!("{stem}-{of}.jpg")));
        let (file, target) = (file.to_str().unwrap(), target.to_str().unwrap());
        let small = "scale=w='min(480,iw*sar)':h=-2,setsar=1";
        ffmpeg(&["-ss", &seek, "-i", file, "-map", "0:V:0", "-frames:v", "1", "-vf", small, "-q:v", "3", target]);
    }
    let safe = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let fragment = format!(
        "<figure><figcaption><b>{}</b> {}: {}</figcaption><img src=\"{stem}-source.jpg\" alt=\"source\"> \
         <img src=\"{stem}-cut.jpg\" alt=\"cut\"></figure>\n",
        safe(group),
        safe(case),
        safe(measured)
    );
    fs::write(page.join(format!("{stem}.fragment")), fragment).unwrap();
}
