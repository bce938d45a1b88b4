//! practice.toml: what a practice types, and how it becomes a [`Practice`].

use super::glossary_file::GlossaryTable;
use super::platform_file::{self, PlatformFields};
use super::resolved::{
    Anchor, Bounds, CardBackground, Corner, EncoderChoice, EndCard, Framing, Platform, Practice, Require, ReviewPage,
    TooLong, UNDERSTOOD, Watermark,
};
use super::typed::{Line, Number, Typed};
use crate::captions;
use crate::fault::Fault;
use crate::plain_file::{self, Links};
use crate::units::{Rgb, Time};
use crate::wording::checks::Switches;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PracticeFile {
    #[serde(default)]
    practice: About,
    #[serde(default)]
    brand: Brand,
    #[serde(default)]
    watermark: WatermarkTable,
    #[serde(default)]
    captions: Captions,
    #[serde(default)]
    hook: HookTable,
    #[serde(default)]
    end_card: EndCardTable,
    #[serde(default)]
    speech: Speech,
    #[serde(default)]
    intake: Intake,
    #[serde(default)]
    glossary: GlossaryTable,
    #[serde(default)]
    review: Review,
    #[serde(default)]
    review_page: PageTable,
    #[serde(default)]
    checks: Switches,
    #[serde(default)]
    cuts: Cuts,
    #[serde(default)]
    platform: BTreeMap<Spanned<String>, PlatformFields>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct About {
    /// Every practice has one; a centre's defaults need none.
    name: Option<Spanned<Line>>,
    #[serde(default)]
    handle: Line,
    #[serde(default)]
    phone: Line,
    #[serde(default)]
    site: Line,
    #[serde(default)]
    call_to_action: Line,
    #[serde(default)]
    disclaimer: Line,
    #[serde(default)]
    hashtags: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Brand {
    logo: Option<Spanned<String>>,
    colour: Option<Rgb>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WatermarkTable {
    enabled: bool,
    /// None: if there is one.
    logo: Option<Spanned<bool>>,
    /// None: the handle or the name where no logo stands.
    text: Option<Line>,
    corner: Corner,
    opacity: Number<50, 1000>,
    size: Number<50, 500>,
}

impl Default for WatermarkTable {
    fn default() -> Self {
        let (opacity, size) = (Number(0.85), Number(0.16));
        WatermarkTable { enabled: true, logo: None, text: None, corner: Corner::TopRight, opacity, size }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Captions {
    style: Option<Spanned<String>>,
    digits: bool,
}

impl Default for Captions {
    fn default() -> Self {
        Captions { style: None, digits: true }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HookTable {
    enabled: bool,
    seconds: Number<500, 10_000>,
}

impl Default for HookTable {
    fn default() -> Self {
        HookTable { enabled: true, seconds: Number(3.0) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EndCardTable {
    enabled: bool,
    seconds: Number<500, 15_000>,
    background: CardBackground,
}

impl Default for EndCardTable {
    fn default() -> Self {
        EndCardTable { enabled: true, seconds: Number(3.0), background: CardBackground::LastFrame }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Speech {
    model: Line,
    language: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Review {
    require: Require,
}

/// Where the page for reading and approving may be served besides this computer.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PageTable {
    local_network: Option<Spanned<String>>,
    passphrase_file: Option<Spanned<Line>>,
}

impl PageTable {
    fn resolve(self, typed: &Typed) -> Result<ReviewPage, Fault> {
        let understood = self.local_network.as_ref().map(|sentence| (sentence.get_ref().trim(), sentence.span()));
        if let Some((_, span)) = understood.as_ref().filter(|(sentence, _)| *sentence != UNDERSTOOD) {
            let what = format!("local_network takes one sentence alone: \"{UNDERSTOOD}\"");
            return Err(typed.fault(Some(span.clone()), &what));
        }
        let file = self.passphrase_file.and_then(|file| {
            let span = file.span();
            file.into_inner().0.map(|file| typed.path(span, &file))
        });
        Ok(ReviewPage { local_network: understood.is_some(), passphrase_file: file })
    }
}

/// None: the default of [`Bounds`].
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Intake {
    max_side: Option<Number<256_000, 16_384_000>>,
    max_minutes: Option<Number<100, 600_000>>,
}

impl Intake {
    fn bounds(self) -> Bounds {
        let usual = Bounds::default();
        Bounds {
            max_side: self.max_side.map_or(usual.max_side, |side| side.0 as u32),
            max_duration: self.max_minutes.map_or(usual.max_duration, |minutes| Time::from_seconds(minutes.0 * 60.0)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Cuts {
    /// None: all.
    platforms: Option<Spanned<Vec<Spanned<String>>>>,
    framing: Framing,
    /// Across and down.
    anchor: (Number<0, 1000>, Number<0, 1000>),
    follow: bool,
    when_too_long: TooLong,
    trim: bool,
    tighten_pauses: Pauses,
    encoder: EncoderChoice,
}

impl Default for Cuts {
    fn default() -> Self {
        Cuts {
            platforms: None,
            framing: Framing::Auto,
            // A face sits above the middle of what a phone records.
            anchor: (Number(0.5), Number(0.4)),
            follow: true,
            // What a clinician says is not cut short unless somebody asked for it.
            when_too_long: TooLong::Skip,
            trim: true,
            // A jump in the picture is a matter of taste.
            tighten_pauses: Pauses(None),
            encoder: EncoderChoice::X264,
        }
    }
}

/// `false`, or above how many seconds a pause is shortened.
struct Pauses(Option<f64>);

impl<'de> Deserialize<'de> for Pauses {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Switch(bool),
            Seconds(f64),
            Else(IgnoredAny),
        }
        match Given::deserialize(input)? {
            Given::Switch(false) => Ok(Pauses(None)),
            Given::Seconds(seconds) if (0.7..=10.0).contains(&seconds) => Ok(Pauses(Some(seconds))),
            _ => Err(D::Error::custom("write false, or above how many seconds a pause is shortened, from 0.7 to 10")),
        }
    }
}

/// What stands over a centre's defaults where they are looked at alone: a practice of any name, and with no wish for a logo
/// that the defaults need not have.
const ANY_PRACTICE: &str = "[practice]\nname = \"Any\"\n[watermark]\nlogo = false\n";

/// Reads practice.toml, over the defaults where there are any; `presets` is the folder with the user's own platform presets.
pub(super) fn load(file: &Path, defaults: Option<&Path>, presets: Option<&Path>) -> Result<Practice, Fault> {
    let text = read(file)?;
    match defaults {
        None => parse(&Typed::of(file, &text), file, presets),
        Some(defaults) => {
            let below = read(defaults)?;
            parse(&Typed::over(file, &text, &Typed::of(defaults, &below)), file, presets)
        }
    }
}

/// Whether defaults alone are right.
pub(super) fn check_defaults(file: &Path, presets: Option<&Path>) -> Result<(), Fault> {
    let text = read(file)?;
    parse(&Typed::over(file, ANY_PRACTICE, &Typed::of(file, &text)), file, presets).map(drop)
}

fn read(file: &Path) -> Result<String, Fault> {
    plain_file::text(file, plain_file::MOST_SETTINGS, Links::Followed).map_err(|error| {
        Fault::new(format!("cannot read {}: {error}", file.display()), "check that the file is there and is plain text")
    })
}

/// What a practice.toml with this text means; `file` says where it lies.
pub(super) fn parse(typed: &Typed, file: &Path, presets: Option<&Path>) -> Result<Practice, Fault> {
    let raw: PracticeFile = typed.parse()?;
    let known = known_platforms(typed, raw.platform, presets)?;
    let platforms = distinct(match &raw.cuts.platforms {
        None => known.clone(),
        Some(chosen) => chosen
            .get_ref()
            .iter()
            .map(|id| find(&known, id.get_ref()).map_err(|what| typed.fault(Some(id.span()), &what)))
            .collect::<Result<_, _>>()?,
    });
    if platforms.is_empty() {
        let place = raw.cuts.platforms.as_ref().map(Spanned::span);
        return Err(typed.fault(place, "[cuts] platforms is empty, so there is nothing to make"));
    }
    let name = raw.practice.name.ok_or_else(|| typed.fault(None, "missing option `name` under [practice]"))?;
    let name_span = name.span();
    let name = name.into_inner().0.ok_or_else(|| typed.fault(Some(name_span), "the practice's name is empty"))?;
    let packs = presets.and_then(Path::parent).map(|folder| folder.join("glossaries"));
    let glossary = raw.glossary.resolve(typed, &name, packs.as_deref())?;
    let check_files = presets.and_then(Path::parent).map(|folder| folder.join("checks"));
    let handle = raw.practice.handle.0;
    let mut checks = raw.checks;
    // A practice may say who and where it is.
    let own = [Some(&name), handle.as_ref(), raw.practice.phone.0.as_ref(), raw.practice.site.0.as_ref()];
    checks.allow.extend(own.into_iter().flatten().cloned());
    let logo = match &raw.brand.logo {
        Some(logo) => {
            // Absolute, since a plan may be read in another folder than it was made in.
            let path = typed.path(logo.span(), logo.get_ref());
            let path = std::path::absolute(&path).unwrap_or(path);
            if !path.is_file() {
                let what = format!("there is no logo at {}", path.display());
                return Err(typed.fault(Some(logo.span()), &what));
            }
            Some(path)
        }
        None => None,
    };
    let watermark = watermark(typed, raw.watermark, logo.is_some(), handle.as_deref().unwrap_or(&name))?;
    let style = match &raw.captions.style {
        Some(id) => captions::style(id.get_ref()).map_err(|fault| typed.fault(Some(id.span()), &fault.to_string()))?,
        None => captions::style("clear")?,
    };
    Ok(Practice {
        file: file.to_path_buf(),
        name,
        handle,
        phone: raw.practice.phone.0,
        site: raw.practice.site.0,
        call_to_action: raw.practice.call_to_action.0,
        disclaimer: raw.practice.disclaimer.0,
        hashtags: hashtags(typed, &raw.practice.hashtags)?,
        logo,
        colour: raw.brand.colour.unwrap_or(Rgb(0x1F, 0x6F, 0x5C)),
        watermark,
        style,
        digits: raw.captions.digits,
        glossary,
        review: raw.review.require,
        page: raw.review_page.resolve(typed)?,
        checks,
        check_files,
        hook: raw.hook.enabled.then(|| Time::from_seconds(raw.hook.seconds.0)),
        end_card: raw.end_card.enabled.then(|| EndCard {
            duration: Time::from_seconds(raw.end_card.seconds.0),
            background: raw.end_card.background,
        }),
        model: raw.speech.model.0,
        language: language(typed, raw.speech.language)?,
        platforms,
        known,
        framing: raw.cuts.framing,
        anchor: Anchor { x: raw.cuts.anchor.0.0, y: raw.cuts.anchor.1.0 },
        follow: raw.cuts.follow,
        when_too_long: raw.cuts.when_too_long,
        trim: raw.cuts.trim,
        tighten_pauses: raw.cuts.tighten_pauses.0.map(Time::from_seconds),
        encoder: raw.cuts.encoder,
        bounds: raw.intake.bounds(),
    })
}

/// The platform of that id, or a sentence that lists what there is and guesses what was meant.
pub(super) fn find(known: &[Platform], id: &str) -> Result<Platform, String> {
    known.iter().find(|platform| platform.id == id).cloned().ok_or_else(|| unknown(known.iter().map(|p| &*p.id), id))
}

/// Without those that stand there a second time: twice the same platform would be twice the same file.
pub(super) fn distinct(mut platforms: Vec<Platform>) -> Vec<Platform> {
    let mut seen = BTreeSet::new();
    platforms.retain(|platform| seen.insert(platform.id.clone()));
    platforms
}

fn unknown<'a>(known: impl Iterator<Item = &'a str> + Clone, id: &str) -> String {
    let nearest = known.clone().max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
    let guess = match nearest.filter(|nearest| strsim::jaro_winkler(nearest, id) > 0.75) {
        Some(nearest) => format!(", perhaps \"{nearest}\" was meant"),
        None => String::new(),
    };
    let list = known.collect::<Vec<_>>().join(", ");
    format!("there is no platform \"{id}\"{guess} (known are {list})")
}

fn known_platforms(
    typed: &Typed,
    mut overrides: BTreeMap<Spanned<String>, PlatformFields>,
    folder: Option<&Path>,
) -> Result<Vec<Platform>, Fault> {
    let presets = platform_file::presets(folder)?;
    if let Some(stray) = overrides.keys().find(|key| presets.iter().all(|(id, _)| id != key.get_ref())) {
        let what = unknown(presets.iter().map(|(id, _)| &**id), stray.get_ref());
        return Err(typed.fault(Some(stray.span()), &what));
    }
    presets
        .into_iter()
        .map(|(id, preset)| {
            let key = overrides.keys().find(|key| *key.get_ref() == id).cloned();
            match key.and_then(|key| overrides.remove_entry(&key)) {
                Some((key, fields)) => {
                    let in_its_place = |fault: Fault| typed.fault(Some(key.span()), fault.what());
                    fields.over(preset).resolve(&id).map_err(in_its_place)
                }
                None => preset.resolve(&id),
            }
        })
        .collect()
}

fn watermark(typed: &Typed, table: WatermarkTable, has_logo: bool, fallback: &str) -> Result<Option<Watermark>, Fault> {
    let logo = match &table.logo {
        Some(wanted) if *wanted.get_ref() && !has_logo => {
            let what = "the watermark asks for the logo, but [brand] has no logo";
            return Err(typed.fault(Some(wanted.span()), what));
        }
        Some(wanted) => *wanted.get_ref(),
        None => has_logo,
    };
    let text = match table.text {
        Some(Line(text)) => text,
        None => (!logo).then(|| fallback.to_string()),
    };
    let seen = table.enabled && (logo || text.is_some());
    Ok(seen.then_some(Watermark { logo, text, corner: table.corner, opacity: table.opacity.0, size: table.size.0 }))
}

fn hashtags(typed: &Typed, tags: &[Spanned<String>]) -> Result<Vec<String>, Fault> {
    let bare = |tag: &Spanned<String>| {
        let word = tag.get_ref().trim().trim_start_matches('#').to_string();
        if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
            let what = format!("\"{}\" is no hashtag: letters, digits and _ are allowed", tag.get_ref());
            return Err(typed.fault(Some(tag.span()), &what));
        }
        Ok(format!("#{word}"))
    };
    tags.iter().map(bare).collect()
}

fn language(typed: &Typed, language: Option<Spanned<String>>) -> Result<String, Fault> {
    let Some(language) = language else { return Ok("en".to_string()) };
    let code = language.get_ref();
    // Whisper knows two- and three-letter codes (`yue`, `haw`).
    if code == "auto" || ((2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase())) {
        return Ok(code.clone());
    }
    let what = format!("\"{code}\" is no language: write its code, such as \"en\" or \"es\", or \"auto\"");
    Err(typed.fault(Some(language.span()), &what))
}
