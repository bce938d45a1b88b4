//! Display matrices and sample aspects: four coloured quadrants where they belong.

use super::chart::{Chart, Matrix, UPRIGHT};
use super::footage::{find_chart, long};
use super::page;
use crate::common::ffmpeg;
use housecall::units::Size;
use std::fs;
use std::path::{Path, PathBuf};

/// The four turns, clockwise, and the four mirrorings with a turn, each by a name for a person.
const MATRICES: [(&str, Matrix); 8] = [
    ("upright", UPRIGHT),
    ("turned 90", [0, 1, -1, 0]),
    ("turned 180", [-1, 0, 0, -1]),
    ("turned 270", [0, -1, 1, 0]),
    ("mirrored left to right", [-1, 0, 0, 1]),
    ("mirrored top to bottom", [1, 0, 0, -1]),
    ("mirrored and turned 90", [0, 1, 1, 0]),
    ("mirrored and turned 270", [0, -1, -1, 0]),
];

/// Width to height of a coded pixel.
const ASPECTS: [(u32, u32); 3] = [(1, 1), (2, 1), (1, 2)];

/// One way of recording.
struct Case {
    matrix: (&'static str, Matrix),
    aspect: (u32, u32),
    container: &'static str,
    sound: bool,
    /// Whether the picture's codec knows of the sample aspect too, or the container alone.
    codec_knows: bool,
}

impl Case {
    fn name(&self) -> String {
        let sound = if self.sound { "with sound" } else { "silent" };
        let (num, den) = self.aspect;
        let knows = if self.codec_knows { "" } else { " told by the container alone" };
        format!("{}, {num} to {den}{knows}, {sound}, {}", self.matrix.0, self.container)
    }

    /// Records a tenth of a second of the chart.
    fn record(&self, chart: Chart, folder: &Path) -> PathBuf {
        let turned = self.matrix.1[0] == 0;
        let stored = if turned { Size::new(chart.shown.height, chart.shown.width) } else { chart.shown };
        let coded = match self.aspect {
            (2, 1) => Size::new(stored.width / 2, stored.height),
            (1, 2) => Size::new(stored.width, stored.height / 2),
            _ => stored,
        };
        let (still, plain) = (folder.join("chart.ppm"), folder.join(format!("plain.{}", self.container)));
        chart.draw(coded, self.matrix.1, &still);
        let shape = format!("setsar={}/{}", self.aspect.0, self.aspect.1);
        let filters = format!("scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,{shape}");
        let tone = ["-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=44100", "-c:a", "aac"];
        let mut arguments = vec!["-loop", "1", "-framerate", "30", "-i", still.to_str().unwrap()];
        arguments.extend(&tone[..if self.sound { 4 } else { 0 }]);
        arguments.extend(["-t", "0.1", "-vf", &filters, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "4"]);
        arguments.extend(["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]);
        arguments.extend(&tone[if self.sound { 4 } else { 6 }..]);
        if !self.codec_knows {
            // 1:1 in the stream, whatever the container says.
            arguments.extend(["-bsf:v", "h264_metadata=sample_aspect_ratio=1/1"]);
        }
        arguments.push(plain.to_str().unwrap());
        ffmpeg(&arguments);
        let mut bytes = fs::read(plain).unwrap();
        set_matrix(&mut bytes, self.matrix.1);
        let clip = folder.join(format!("clip.{}", self.container));
        fs::write(&clip, bytes).unwrap();
        clip
    }
}

/// Writes the display matrix into the header of the picture's track, the first that has a width (ISO/IEC 14496-12,
/// 8.3.2; version 0).
fn set_matrix(bytes: &mut [u8], [a, b, c, d]: Matrix) {
    const MATRIX: usize = 44;
    const WIDTH: usize = MATRIX + 36;
    let width = |at: usize| u32::from_be_bytes(bytes[at + WIDTH..at + WIDTH + 4].try_into().unwrap());
    let headers = (0..bytes.len() - WIDTH - 4).filter(|at| &bytes[*at..at + 4] == b"tkhd");
    let at = headers.into_iter().find(|at| width(*at) > 0).expect("the header of a picture's track") + MATRIX;
    let one = 1 << 16;
    let numbers = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30];
    bytes[at..at + 36].copy_from_slice(&numbers.map(i32::to_be_bytes).concat());
}

/// Every way, or in the short form each matrix once and each sample aspect with and without a turn.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    if long() {
        for (matrix, aspect) in MATRICES.into_iter().flat_map(|m| ASPECTS.map(|a| (m, a))) {
            for (container, sound) in [("mp4", true), ("mp4", false), ("mov", true), ("mov", false)] {
                // Where the codec says the same, and where it does not.
                let codec_knows = aspect == (1, 1) || container == "mp4";
                cases.push(Case { matrix, aspect, container, sound, codec_knows });
            }
        }
        return cases;
    }
    for (i, matrix) in MATRICES.into_iter().enumerate() {
        let container = if i % 2 == 0 { "mp4" } else { "mov" };
        cases.push(Case { matrix, aspect: (1, 1), container, sound: i % 4 < 2, codec_knows: true });
    }
    for (matrix, aspect, container, codec_knows) in
        [(0, (2, 1), "mov", true), (1, (2, 1), "mp4", false), (7, (1, 2), "mov", true)]
    {
        cases.push(Case { matrix: MATRICES[matrix], aspect, container, sound: false, codec_knows });
    }
    cases
}

#[test]
fn every_matrix_and_sample_aspect_comes_out_upright_and_round() {
    let chart = Chart { shown: Size::new(640, 360) };
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let clip = case.record(chart, folder.path());
        println!("{}", case.name());
        let files = find_chart(chart, &clip, 0.03, folder.path());
        page::show(
            "orientation",
            &case.name(),
            &clip,
            &files[0],
            0.03,
            "every quarter, the disc and the edge in place",
        );
    }
}

/// The check itself: a cut of a clip whose matrix is another one than the chart was drawn for is refused.
#[test]
#[should_panic(expected = "instead of")]
fn a_wrong_matrix_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let chart = Chart { shown: Size::new(640, 360) };
    let case = Case { matrix: MATRICES[0], aspect: (1, 1), container: "mp4", sound: false, codec_knows: true };
    let clip = case.record(chart, folder.path());
    let mut bytes = fs::read(&clip).unwrap();
    set_matrix(&mut bytes, MATRICES[4].1);
    fs::write(&clip, bytes).unwrap();
    find_chart(chart, &clip, 0.03, folder.path());
}
