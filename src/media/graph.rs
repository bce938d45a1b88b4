//! Filter graphs: the one that brings decoded pictures to what all renders share, and the one of each render.

use super::ffi::{self, Pool};
use super::lettering::Lettering;
use super::lut::{self, Lut};
use super::window::Window;
use super::{Colour, Transfer, VideoTrack, colour};
use crate::cuts::{Mark, Placement, Recipe};
use crate::fault::Fault;
use crate::units::{Rate, Rect, Size};
use ffmpeg_next as ff;
use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::frame;
use image::RgbaImage;
use std::path::Path;
use std::sync::Arc;

/// Escapes a value for a filter's option inside a graph's text. Two parsers read it: the graph's, which ends a word at
/// `[],;`, and the options', which ends it at `:`; both take `\` and `'` (ffmpeg-filters, "Notes on filtergraph
/// escaping").
pub fn escape(value: &str) -> String {
    let level = |text: &str, special: &[char]| {
        text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
            if special.contains(&c) {
                out.push('\\');
            }
            out.push(c);
            out
        })
    };
    level(&level(value, &['\\', '\'', ':']), &['\\', '\'', '[', ']', ',', ';', ' '])
}

/// The largest size that any of the placements needs the clip at, and never larger than the clip itself. Even numbers.
pub fn working_size(displayed: Size, recipes: &[&Recipe]) -> Size {
    let needed = recipes.iter().map(|recipe| match &recipe.placement {
        Placement::Fill { crop } => f64::from(recipe.canvas.width) / f64::from(crop.width),
        Placement::Follow { size, .. } => f64::from(recipe.canvas.width) / f64::from(size.width),
        Placement::Fit { picture } => f64::from(picture.width) / f64::from(displayed.width),
    });
    let scale = needed.fold(0.0, f64::max).min(1.0);
    let even = |length: u32| (((f64::from(length) * scale / 2.0).round() as u32) * 2).max(2);
    Size::new(even(displayed.width), even(displayed.height))
}

/// Pictures whose aspects differ by no more than this share have the same shape; rounding to whole blocks makes as much.
const SAME_SHAPE: f64 = 0.02;

/// Decoded pictures in, upright square-pixel BT.709 pictures of the working size out.
pub struct Normaliser {
    graph: Graph,
    /// What HDR goes through behind the graph, and where its pictures come from.
    tone: Option<(Arc<Lut>, Pool)>,
    threads: usize,
}

impl Normaliser {
    /// Builds the graph for frames like `sample`.
    pub fn new(track: &VideoTrack, sample: &frame::Video, size: Size, threads: usize) -> Result<Self, Fault> {
        let turned = track.orientation.swaps_sides();
        let (width, height) = if turned { (size.height, size.width) } else { (size.width, size.height) };
        let coded = Size::new(sample.width(), sample.height());
        let shown = unstretched(coded, track.coded, Size::new(width, height));
        let hdr = track.colour.transfer != Transfer::Sdr;
        let ready = match hdr {
            true => sample.format() == ff::format::Pixel::YUV420P10LE,
            false => track.colour.is_plain() && sample.format() == ff::format::Pixel::YUV420P,
        };
        let mut filters = Vec::new();
        let mut workers = threads;
        if !(ready && coded == Size::new(width, height)) {
            // Several threads cut the picture into as many strips, and colours at the edges of a strip come out otherwise
            // than in one piece: up to 13 codes off in chroma, and another picture on a computer with more cores.
            workers = 1;
            let whole = whole_chroma(coded, sample.format());
            if whole != coded {
                filters.push(format!("crop={}:{}:0:0", whole.width, whole.height));
            }
            filters.extend(track.colour.filters(shown.width, shown.height));
        }
        if shown != Size::new(width, height) {
            let (x, y) = ((width - shown.width) / 4 * 2, (height - shown.height) / 4 * 2);
            filters.push(format!("pad={width}:{height}:{x}:{y}"));
        }
        filters.extend(track.orientation.filters().into_iter().map(String::from));
        filters.push("setsar=1".into());
        let format = sample.format().descriptor().map_or("yuv420p", |d| d.name());
        let source = format!(
            "video_size={}x{}:pix_fmt={format}:time_base=1/1000000:pixel_aspect=1/1",
            coded.width, coded.height
        );
        let graph = single_chain(&source, &[], &filters.join(","), workers)?;
        let tone = hdr.then(|| {
            use frame::side_data::Type;
            let told = |kind| sample.side_data(kind);
            let (mastering, light) = (told(Type::MasteringDisplayMetadata), told(Type::ContentLightLevel));
            let peak = colour::peak(mastering.as_ref().map(|d| d.data()), light.as_ref().map(|d| d.data()));
            let colour = Colour { peak: peak.or(track.colour.peak), ..track.colour.clone() };
            (lut::of(&colour), Pool::new(size))
        });
        Ok(Normaliser { graph, tone, threads })
    }

    /// Runs one picture through.
    pub fn run(&mut self, picture: &frame::Video) -> Result<frame::Video, Fault> {
        push(&mut self.graph, "in", picture)?;
        let mut out = pull(&mut self.graph)?;
        if let Some((tone, pool)) = &self.tone {
            out = tone.run(&out, pool.take(), self.threads);
        }
        // What the phone attached to the picture must not reach an encoder that would write it out.
        use frame::side_data::Type;
        for kind in [
            Type::DisplayMatrix,
            Type::A53CC,
            Type::MasteringDisplayMetadata,
            Type::ContentLightLevel,
            Type::GOPTimecode,
            Type::S12M_TIMECODE,
            Type::IccProfile,
            Type::SEI_UNREGISTERED,
            Type::DYNAMIC_HDR_PLUS,
            Type::DOVI_METADATA,
            Type::DOVI_RPU_BUFFER,
        ] {
            out.remove_side_data(kind);
        }
        ffi::set_square_pixels(&mut out);
        Ok(out)
    }
}

/// The size without the last column or row that has no chroma sample of its own: `zscale` takes no such picture.
fn whole_chroma(coded: Size, format: ff::format::Pixel) -> Size {
    let Some(descriptor) = format.descriptor() else { return coded };
    let whole = |side: u32, shift: u8| side >> shift << shift;
    Size::new(whole(coded.width, descriptor.log2_chroma_w()), whole(coded.height, descriptor.log2_chroma_h()))
}

/// How large a picture of `coded` size stands in `frame`, which has the shape of `declared`: all of it, but for a track
/// that changes its shape half-way, whose pictures keep their own. Even sides.
fn unstretched(coded: Size, declared: Size, frame: Size) -> Size {
    let wider = coded.aspect() / declared.aspect();
    let even = |side: u32, share: f64| ((f64::from(side) * share / 2.0).round() as u32 * 2).clamp(2, side);
    if (wider - 1.0).abs() <= SAME_SHAPE {
        frame
    } else if wider > 1.0 {
        Size::new(frame.width, even(frame.height, 1.0 / wider))
    } else {
        Size::new(even(frame.width, wider), frame.height)
    }
}

/// Normalised pictures in, finished pictures of one render out: placed on the canvas, captioned, marked.
pub struct Compositor {
    /// The part of the picture that is seen, where it moves.
    window: Option<Window>,
    placing: Graph,
    /// What stands sharp before what `placing` makes, and where.
    front: Option<(Graph, Rect, Pool)>,
    lettering: Option<Lettering>,
    marking: Option<Graph>,
}

impl Compositor {
    /// Makes ready what `recipe` asks for, for a clip of `displayed` size that comes in at `working` size. `marks` are
    /// the recipe's pictures, already at their size and opacity.
    pub fn new(
        recipe: &Recipe,
        displayed: Size,
        working: Size,
        marks: &[RgbaImage],
        threads: usize,
    ) -> Result<Self, Fault> {
        let rate = recipe.rate;
        let (window, size) = match &recipe.placement {
            Placement::Follow { size, path } => {
                let part = scaled(Rect::new(0, 0, size.width, size.height), displayed, working).size();
                (Some(Window::new(part, path, displayed, working, rate)), part)
            }
            Placement::Fill { .. } | Placement::Fit { .. } => (None, working),
        };
        let source = counted(size, rate);
        let placing = single_chain(&source, &[], &place(recipe, displayed, working), threads)?;
        let front = match &recipe.placement {
            Placement::Fit { picture } => {
                let scale = format!("scale={}:{}:flags=lanczos", picture.width, picture.height);
                Some((single_chain(&source, &[], &scale, threads)?, *picture, Pool::new(recipe.canvas)))
            }
            Placement::Fill { .. } | Placement::Follow { .. } => None,
        };
        let lettering = recipe.script.as_deref().map(|s| Lettering::new(s, recipe.canvas, rate)).transpose()?;
        let marking = (!marks.is_empty()).then(|| mark(recipe, marks, threads)).transpose()?;
        Ok(Compositor { window, placing, front, lettering, marking })
    }

    /// Runs one picture through; its time stamp counts frames of the cut.
    pub fn run(&mut self, picture: &frame::Video) -> Result<frame::Video, Fault> {
        match self.window.as_ref().zip(picture.pts()) {
            Some((window, number)) => give(&mut self.placing, "in", window.cut(picture, number))?,
            None => push(&mut self.placing, "in", picture)?,
        }
        let mut out = pull(&mut self.placing)?;
        if let Some((front, at, pool)) = &mut self.front {
            push(front, "in", picture)?;
            out = pool.own(out);
            lay(&pull(front)?, at, &mut out);
        }
        if let Some(lettering) = &mut self.lettering {
            out = lettering.put(out)?;
        }
        if let Some(marking) = &mut self.marking {
            give(marking, "in", out)?;
            out = pull(marking)?;
        }
        Ok(out)
    }
}

/// A source of square-pixel pictures of a cut, whose time stamps count its frames.
fn counted(size: Size, rate: Rate) -> String {
    let Rate { num, den } = rate;
    format!("video_size={size}:pix_fmt=yuv420p:time_base={den}/{num}:pixel_aspect=1/1:frame_rate={num}/{den}")
}

/// The graph that puts the marks on.
fn mark(recipe: &Recipe, marks: &[RgbaImage], threads: usize) -> Result<Graph, Fault> {
    let rate = recipe.rate;
    let overlay = |(i, mark): (usize, &Mark)| {
        let (from, to) = (mark.span.start.seconds(), mark.span.end.seconds());
        format!(
            "[mark{i}]overlay=x={}:y={}:format=yuv420:eval=init:enable='gte(t,{from:.6})*lt(t,{to:.6})'",
            mark.place.x, mark.place.y
        )
    };
    // Named where two meet, since an input without a name would come behind the mark.
    let chain: Vec<String> = recipe.marks.iter().enumerate().map(overlay).collect();
    let sources: Vec<(String, String)> = marks
        .iter()
        .enumerate()
        .map(|(i, image)| {
            let (w, h) = image.dimensions();
            let time_base = format!("time_base={}/{}", rate.den, rate.num);
            (format!("mark{i}"), format!("video_size={w}x{h}:pix_fmt=yuva420p:{time_base}:pixel_aspect=1/1"))
        })
        .collect();
    let mut graph = single_chain(&counted(recipe.canvas, rate), &sources, &chain.join("[under];[under]"), threads)?;
    for (i, image) in marks.iter().enumerate() {
        let name = format!("mark{i}");
        give(&mut graph, &name, yuva(image))?;
        close(&mut graph, &name)?;
    }
    Ok(graph)
}

/// FFmpeg's filter that draws an ASS file, by itself.
pub(super) struct Drawing(Graph);

impl Drawing {
    /// Reads the file, for pictures whose time stamps count frames.
    pub fn new(size: Size, rate: Rate, script: &Path) -> Result<Self, Fault> {
        let name = script.to_str().ok_or_else(|| {
            Fault::new("the temporary folder's name is not plain text", "choose another output folder with --out")
        })?;
        Ok(Drawing(single_chain(&counted(size, rate), &[], &format!("ass=filename={}", escape(name)), 1)?))
    }

    /// The picture with what the file shows at its time drawn over it.
    pub fn over(&mut self, picture: frame::Video) -> Result<frame::Video, Fault> {
        give(&mut self.0, "in", picture)?;
        pull(&mut self.0)
    }
}

/// Lays a picture over another, of which nobody else holds the pixels. The filter that does it would blend each pixel with
/// one that is not seen.
fn lay(front: &frame::Video, at: &Rect, out: &mut frame::Video) {
    let strides = [0, 1, 2].map(|plane| out.stride(plane));
    for (plane, rows) in ffi::planes_mut(out).into_iter().enumerate() {
        let part = if plane == 0 { 1 } else { 2 };
        let (x, y, width) = ((at.x / part) as usize, (at.y / part) as usize, front.plane_width(plane) as usize);
        let sharp = front.data(plane).chunks(front.stride(plane)).take(front.plane_height(plane) as usize);
        for (row, sharp) in rows.chunks_mut(strides[plane]).skip(y).zip(sharp) {
            row[x..x + width].copy_from_slice(&sharp[..width]);
        }
    }
}

/// The filters that put the clip's picture on the canvas, or what stands behind it.
fn place(recipe: &Recipe, displayed: Size, working: Size) -> String {
    let Size { width, height } = recipe.canvas;
    match &recipe.placement {
        // The picture comes in cut out already.
        Placement::Follow { .. } => format!("scale={width}:{height}:flags=lanczos"),
        Placement::Fill { crop } => {
            let Rect { x, y, width: w, height: h } = scaled(*crop, displayed, working);
            let mut filters = vec![format!("crop={w}:{h}:{x}:{y}:exact=1")];
            if (w, h) != (width, height) {
                filters.push(format!("scale={width}:{height}:flags=lanczos"));
            }
            filters.join(",")
        }
        Placement::Fit { .. } => {
            // Blurred at an eighth of the size: a blur that wide has no finer detail, and it costs a sixty-fourth.
            let (small_w, small_h) = ((width / 8).next_multiple_of(2), (height / 8).next_multiple_of(2));
            // What would fall outside is cut off before, not scaled first.
            let seen = middle(working, Size::new(small_w, small_h).aspect());
            format!(
                "crop={}:{}:exact=1,scale={small_w}:{small_h}:flags=area,gblur=sigma=6,lutyuv=y='16+(val-16)*0.55',scale={width}:{height}:flags=bilinear,setsar=1",
                seen.width, seen.height
            )
        }
    }
}

/// The largest size of that shape within another; even.
fn middle(whole: Size, aspect: f64) -> Size {
    let even = |side: f64, most: u32| ((side / 2.0).round() as u32 * 2).clamp(2, most.max(2));
    let (width, height) = (f64::from(whole.width), f64::from(whole.height));
    Size::new(even(height * aspect, whole.width), even(width / aspect, whole.height))
}

/// A rectangle in displayed pixels, in working pixels; even, and inside.
fn scaled(rect: Rect, displayed: Size, working: Size) -> Rect {
    let (sx, sy) = (
        f64::from(working.width) / f64::from(displayed.width),
        f64::from(working.height) / f64::from(displayed.height),
    );
    let even = |v: f64| ((v / 2.0).round() * 2.0) as u32;
    let (w, h) = (
        even(f64::from(rect.width) * sx).clamp(2, working.width),
        even(f64::from(rect.height) * sy).clamp(2, working.height),
    );
    let (x, y) =
        (even(f64::from(rect.x) * sx).min(working.width - w), even(f64::from(rect.y) * sy).min(working.height - h));
    Rect::new(x & !1, y & !1, w, h)
}

/// A picture with alpha as BT.709 limited range YUVA 4:2:0; colour is averaged by how solid the pixels are, so that a
/// transparent pixel's colour does not bleed in.
fn yuva(image: &RgbaImage) -> frame::Video {
    let (width, height) = image.dimensions();
    let mut out = frame::Video::new(ff::format::Pixel::YUVA420P, width, height);
    let code = |[r, g, b, _]: [u8; 4]| {
        let (r, g, b) = (f64::from(r) / 255.0, f64::from(g) / 255.0, f64::from(b) / 255.0);
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
    };
    let strides = [out.stride(0), out.stride(1), out.stride(2), out.stride(3)];
    for (x, y, pixel) in image.enumerate_pixels() {
        out.data_mut(0)[y as usize * strides[0] + x as usize] = code(pixel.0)[0].round() as u8;
        out.data_mut(3)[y as usize * strides[3] + x as usize] = pixel.0[3];
    }
    for cy in 0..height.div_ceil(2) {
        for cx in 0..width.div_ceil(2) {
            let (mut sum, mut weight) = ([0.0; 3], 0.0);
            for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| (cx * 2 + dx, cy * 2 + dy)) {
                if let Some(pixel) = image.get_pixel_checked(x, y) {
                    let alpha = f64::from(pixel.0[3]) + 1e-3;
                    let c = code(pixel.0);
                    for i in 0..3 {
                        sum[i] += c[i] * alpha;
                    }
                    weight += alpha;
                }
            }
            for plane in [1, 2] {
                out.data_mut(plane)[cy as usize * strides[plane] + cx as usize] = (sum[plane] / weight).round() as u8;
            }
        }
    }
    out.set_pts(Some(0));
    out
}

fn single_chain(source: &str, extra: &[(String, String)], chain: &str, threads: usize) -> Result<Graph, Fault> {
    build(source, extra, &format!("[in]{chain}[out]"), threads)
}

/// A configured graph with the buffer `in`, further buffers by name, and the sink `out`.
fn build(source: &str, extra: &[(String, String)], spec: &str, threads: usize) -> Result<Graph, Fault> {
    let unusable = |e: ff::Error| {
        Fault::new(
            format!("the picture filters cannot be set up ({e})"),
            "run `housecall doctor` to see what this computer lacks",
        )
    };
    let find = |name: &str| filter::find(name).ok_or_else(|| unusable(ff::Error::FilterNotFound));
    let mut graph = Graph::new();
    ffi::set_graph_threads(&mut graph, threads);
    graph.add(&find("buffer")?, "in", source).map_err(unusable)?;
    for (name, source) in extra {
        graph.add(&find("buffer")?, name, source).map_err(unusable)?;
    }
    graph.add(&find("buffersink")?, "out", "").map_err(unusable)?;
    let mut parser = graph.output("in", 0).map_err(unusable)?;
    for (name, _) in extra {
        parser = parser.output(name, 0).map_err(unusable)?;
    }
    parser.input("out", 0).map_err(unusable)?.parse(spec).map_err(unusable)?;
    graph.validate().map_err(unusable)?;
    Ok(graph)
}

fn failed(e: ff::Error) -> Fault {
    Fault::new(format!("a picture could not be filtered ({e})"), "run again; if it happens again, report the clip")
}

/// Hands a shared picture to the graph.
fn push(graph: &mut Graph, input: &str, picture: &frame::Video) -> Result<(), Fault> {
    give(graph, input, ffi::share(picture))
}

/// Hands a picture over to the graph, which may draw into it if nobody else holds it.
fn give(graph: &mut Graph, input: &str, picture: frame::Video) -> Result<(), Fault> {
    let mut context = graph.get(input).ok_or_else(|| failed(ff::Error::FilterNotFound))?;
    context.source().add(&picture).map_err(failed)
}

fn close(graph: &mut Graph, input: &str) -> Result<(), Fault> {
    let mut context = graph.get(input).ok_or_else(|| failed(ff::Error::FilterNotFound))?;
    context.source().flush().map_err(failed)
}

/// Takes the picture that the last one handed in has become: every chain here gives one out for each one in.
fn pull(graph: &mut Graph) -> Result<frame::Video, Fault> {
    let mut out = frame::Video::empty();
    let mut context = graph.get("out").ok_or_else(|| failed(ff::Error::FilterNotFound))?;
    context.sink().frame(&mut out).map_err(failed)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparent_pixels_do_not_tint_their_neighbours() {
        let mut image = RgbaImage::from_pixel(2, 2, image::Rgba([0, 255, 0, 0]));
        image.put_pixel(0, 0, image::Rgba([255, 255, 255, 255]));
        let frame = yuva(&image);
        assert!((i32::from(frame.data(1)[0]) - 128).abs() <= 1, "white stays neutral, got {}", frame.data(1)[0]);
        assert_eq!(frame.data(0)[0], 235);
    }

    #[test]
    fn a_track_that_changes_its_shape_is_not_stretched() {
        let (wide, tall, frame) = (Size::new(320, 240), Size::new(240, 320), Size::new(160, 120));
        assert_eq!(unstretched(wide, wide, frame), frame);
        assert_eq!(unstretched(Size::new(640, 480), wide, frame), frame);
        assert_eq!(unstretched(tall, wide, frame), Size::new(90, 120));
        assert_eq!(unstretched(wide, tall, Size::new(120, 160)), Size::new(120, 90));
    }

    #[test]
    fn the_middle_has_the_shape_and_lies_inside() {
        let (tall, wide) = (Size::new(1080, 1920), Size::new(1920, 1080));
        assert_eq!(middle(tall, 16.0 / 9.0), Size::new(1080, 608));
        assert_eq!(middle(wide, 9.0 / 16.0), Size::new(608, 1080));
        assert_eq!(middle(Size::new(2, 2), 0.1), Size::new(2, 2));
    }

    #[test]
    fn what_stands_sharp_is_the_picture_itself() {
        let (size, canvas) = (Size::new(64, 96), Size::new(160, 96));
        let (back, front) = (Pool::new(canvas), Pool::new(size));
        let (mut out, mut sharp) = (back.take(), front.take());
        for plane in 0..3 {
            out.data_mut(plane).fill(16);
            sharp.data_mut(plane).fill(200);
        }
        lay(&sharp, &Rect::new(48, 0, 64, 96), &mut out);
        for (plane, part) in [(0, 1), (1, 2), (2, 2)] {
            for row in out.data(plane).chunks(out.stride(plane)).take(96 / part) {
                let lit: Vec<usize> = (0..160 / part).filter(|x| row[*x] == 200).collect();
                assert_eq!(lit, (48 / part..112 / part).collect::<Vec<_>>(), "plane {plane}");
            }
        }
    }

    #[test]
    fn a_picture_that_others_hold_is_copied_and_one_that_nobody_holds_is_not() {
        let pool = Pool::new(Size::new(34, 18));
        let mut picture = pool.take();
        (0..3).for_each(|plane| picture.data_mut(plane).fill(7));
        picture.set_pts(Some(5));
        let (place, other) = (picture.data(0).as_ptr(), ffi::share(&picture));
        let copy = pool.own(picture);
        assert_ne!(copy.data(0).as_ptr(), place);
        assert_eq!((copy.data(1)[0], copy.pts()), (7, Some(5)));
        drop(copy);
        let only = pool.own(other);
        assert_eq!(only.data(0).as_ptr(), place);
    }

    #[test]
    fn working_size_never_exceeds_the_clip() {
        let displayed = Size::new(640, 360);
        assert_eq!(working_size(displayed, &[]), Size::new(2, 2));
    }
}
