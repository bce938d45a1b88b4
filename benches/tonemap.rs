//! Ways to bring HLG to SDR, side by side: what each costs, and how far it is from the definition.
//!
//! Every way gets the same pictures of 1080x1920 in 10 bits, as large as a cut, since pictures are scaled before. Each
//! copies its picture first, since a filter takes what it is given; the first run of each way is not counted. Processor time is that of the whole process. Linux only, since it is read from `/proc`.
#![allow(clippy::print_stdout)]

mod common;

use anyhow::{Context, Result};
use common::{cube, median, processor_time};
use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{color, frame};
use housecall::media::lut::Lut;
use housecall::media::tone::ToneMap;
use housecall::media::{self, Colour, Transfer};
use std::time::Instant;

const SIZE: (usize, usize) = (1080, 1920);
/// Side of a patch of one colour; its middle is compared.
const PATCH: usize = 24;
const ROUNDS: usize = 9;
const THREADS: usize = 2;

/// A way from HLG to SDR.
type Way<'a> = Box<dyn FnMut(&frame::Video) -> Result<frame::Video> + 'a>;

fn main() -> Result<()> {
    media::start();
    let (matrix, primaries, transfer) = ("2020_ncl".into(), "2020".into(), Transfer::Hlg);
    let colour = Colour { full_range: false, matrix, primaries, transfer, peak: None, assumed: false };
    let map = ToneMap::new(&colour);
    let folder = tempfile::tempdir()?;
    let before = processor_time()?;
    let lut = Lut::new(ToneMap::new(&colour));
    let set_up = processor_time()? - before;

    let input = "min=2020_ncl:pin=2020:tin=arib-std-b67:rin=limited:d=none";
    let float = format!(
        "zscale={input},zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=709,tonemap=mobius:peak=4.93:desat=0,\
         zscale=m=709:t=709:r=limited:d=none,format=yuv420p"
    );
    let mut ways: Vec<(String, Way)> = vec![("zscale and tonemap in float".into(), filtered(&float)?)];
    for nodes in [33, 65] {
        let file = folder.path().join(format!("{nodes}.cube"));
        std::fs::write(&file, cube(&map, nodes))?;
        let chain = format!(
            "zscale={input}:m=gbr:r=full,format=gbrp10le,lut3d=file={}:interp=tetrahedral,\
             zscale=min=gbr:rin=full:m=709:r=limited:d=none,format=yuv420p",
            file.display()
        );
        ways.push((format!("lut3d, {nodes} nodes"), filtered(&chain)?));
    }
    ways.push(("the table of lut.rs".into(), Box::new(|picture| Ok(lut.run(picture, blank(picture), THREADS)))));

    for (name, pictures) in
        [("saturated: all that BT.2020 holds", patches(1.0)), ("as footage: muted colours", patches(0.35))]
    {
        println!("\n{name}\n");
        println!("| way | CPU ms | wall ms | luma mean | luma max | chroma mean | chroma max |");
        println!("|-----|-------:|--------:|----------:|---------:|------------:|-----------:|");
        for (way, run) in &mut ways {
            let (mut cpus, mut walls) = (Vec::new(), Vec::new());
            let out = run(&pictures)?;
            for _ in 0..ROUNDS {
                let (cpu, wall) = (processor_time()?, Instant::now());
                for _ in 0..4 {
                    run(&pictures)?;
                }
                walls.push(wall.elapsed().as_secs_f64() * 1e3 / 4.0);
                cpus.push((processor_time()? - cpu) / 4.0);
            }
            let [luma, cb, cr] = errors(&map, &pictures, &out);
            let chroma = ((cb.0 + cr.0) / 2.0, cb.1.max(cr.1));
            println!(
                "| {way} | {:.1} | {:.1} | {:.2} | {:.1} | {:.2} | {:.1} |",
                median(&cpus),
                median(&walls),
                luma.0,
                luma.1,
                chroma.0,
                chroma.1
            );
        }
    }
    println!("\nthe table of lut.rs takes {set_up:.0} ms of processor time to compute, once a clip");
    Ok(())
}

/// A picture of the size of another, for the table to write into.
fn blank(picture: &frame::Video) -> frame::Video {
    frame::Video::new(Pixel::YUV420P, picture.width(), picture.height())
}

/// Patches of colours spread over R'G'B', the channels drawn together by how muted they are.
fn patches(saturation: f64) -> frame::Video {
    let (width, height) = SIZE;
    let mut picture = frame::Video::new(Pixel::YUV420P10LE, width as u32, height as u32);
    picture.set_color_space(color::Space::BT2020NCL);
    picture.set_color_primaries(color::Primaries::BT2020);
    picture.set_color_transfer_characteristic(color::TransferCharacteristic::ARIB_STD_B67);
    picture.set_color_range(color::Range::MPEG);
    for plane in 0..3 {
        let scale = if plane == 0 { 1 } else { 2 };
        let stride = picture.stride(plane);
        let data = picture.data_mut(plane);
        for y in 0..height / scale {
            for x in 0..width / scale {
                let patch = (y * scale / PATCH) * (width / PATCH) + x * scale / PATCH;
                let spread = [0.754_877, 0.569_840, 0.430_159].map(|by| (patch as f64 * by).fract());
                let grey = spread.iter().sum::<f64>() / 3.0;
                let [r, g, b] = spread.map(|c| grey + (c - grey) * saturation);
                let luma = 0.2627 * r + 0.678 * g + 0.0593 * b;
                let code = match plane {
                    0 => 64.0 + 876.0 * luma,
                    1 => 512.0 + 896.0 * (b - luma) / 1.8814,
                    _ => 512.0 + 896.0 * (r - luma) / 1.4746,
                };
                data[y * stride + 2 * x..][..2].copy_from_slice(&(code.round() as u16).to_le_bytes());
            }
        }
    }
    picture
}

/// For luma, Cb and Cr the mean and largest distance from the definition.
fn errors(map: &ToneMap, picture: &frame::Video, out: &frame::Video) -> [(f64, f64); 3] {
    let (columns, rows) = (SIZE.0 / PATCH, SIZE.1 / PATCH);
    let mut errors = [(0.0, 0.0f64); 3];
    for patch in 0..columns * rows {
        let middle = |plane: usize| {
            let scale = if plane == 0 { 1 } else { 2 };
            let at = |along: usize| (along * PATCH + PATCH / 2) / scale;
            (at(patch % columns), at(patch / columns))
        };
        let codes = [0, 1, 2].map(|plane| {
            let (x, y) = middle(plane);
            let at = y * picture.stride(plane) + 2 * x;
            f64::from(u16::from_le_bytes([picture.data(plane)[at], picture.data(plane)[at + 1]]))
        });
        for (plane, wanted) in map.codes(codes).into_iter().enumerate() {
            let (x, y) = middle(plane);
            let off = (f64::from(out.data(plane)[y * out.stride(plane) + x]) - wanted).abs();
            errors[plane].0 += off / (columns * rows) as f64;
            errors[plane].1 = errors[plane].1.max(off);
        }
    }
    errors
}

/// A chain of FFmpeg's filters.
fn filtered(chain: &str) -> Result<Way<'static>> {
    let find = |name: &str| filter::find(name).with_context(|| format!("no filter {name}"));
    let source =
        format!("video_size={}x{}:pix_fmt=yuv420p10le:time_base=1/30:pixel_aspect=1/1:frame_rate=30", SIZE.0, SIZE.1);
    let mut graph = Graph::new();
    graph.add(&find("buffer")?, "in", &source)?;
    graph.add(&find("buffersink")?, "out", "")?;
    graph.output("in", 0)?.input("out", 0)?.parse(chain)?;
    graph.validate()?;
    Ok(Box::new(move |picture| {
        graph.get("in").context("no source")?.source().add(&picture.clone())?;
        let mut out = frame::Video::empty();
        graph.get("out").context("no sink")?.sink().frame(&mut out)?;
        Ok(out)
    }))
}
