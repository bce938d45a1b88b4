//! What a track's colour tags mean, and the filters that bring it to BT.709 limited range. Pure.

use super::{Colour, Transfer};
use ffmpeg_next::color::{Primaries, Range, Space, TransferCharacteristic};

/// The tags of a track as the decoder reports them.
pub struct Tags {
    /// Matrix coefficients.
    pub space: Space,
    /// Code range.
    pub range: Range,
    /// Primaries.
    pub primaries: Primaries,
    /// Transfer curve.
    pub transfer: TransferCharacteristic,
    /// Height of the coded picture; decides what an untagged picture is taken for.
    pub height: u32,
    /// Whether the pixel format itself means full range (`yuvj420p` and kin).
    pub full_range_format: bool,
}

impl Colour {
    /// Fills the gaps as players do: untagged pictures of 720 lines and more are BT.709, smaller ones BT.601.
    pub fn from_tags(tags: &Tags) -> Self {
        let high_definition = tags.height >= 720;
        let matrix = match tags.space {
            Space::BT709 => Some("709"),
            Space::BT470BG => Some("bt470bg"),
            Space::SMPTE170M => Some("170m"),
            Space::BT2020NCL | Space::BT2020CL => Some("2020_ncl"),
            _ => None,
        };
        let primaries = match tags.primaries {
            Primaries::BT709 => Some("709"),
            Primaries::BT470BG => Some("bt470bg"),
            Primaries::SMPTE170M | Primaries::SMPTE240M => Some("170m"),
            Primaries::BT2020 => Some("2020"),
            // Apple's wide-gamut SDR.
            Primaries::SMPTE432 => Some("smpte432"),
            _ => None,
        };
        let transfer = match tags.transfer {
            TransferCharacteristic::ARIB_STD_B67 => Transfer::Hlg,
            TransferCharacteristic::SMPTE2084 => Transfer::Pq,
            _ => Transfer::Sdr,
        };
        let wide = transfer != Transfer::Sdr || matrix == Some("2020_ncl");
        let guess_matrix = match (wide, high_definition) {
            (true, _) => "2020_ncl",
            (false, true) => "709",
            (false, false) => "170m",
        };
        let chosen = matrix.unwrap_or(guess_matrix);
        let guess_primaries = match chosen {
            "2020_ncl" => "2020",
            other => other,
        };
        Colour {
            full_range: tags.full_range_format || tags.range == Range::JPEG,
            matrix: chosen.into(),
            primaries: primaries.unwrap_or(guess_primaries).into(),
            transfer,
            peak: None,
            assumed: matrix.is_none(),
        }
    }

    /// Whether the codes already mean BT.709 limited range.
    pub fn is_plain(&self) -> bool {
        !self.full_range && self.matrix == "709" && self.primaries == "709" && self.transfer == Transfer::Sdr
    }

    /// The filters that scale a picture to `width` x `height`: SDR ends as BT.709 limited range, 8 bits, 4:2:0; HDR keeps
    /// its meaning and ends as 10 bits, 4:2:0, which [`ToneMap`](super::tone::ToneMap) takes. Scaled first, since every
    /// pixel that is not tone-mapped is saved.
    pub fn filters(&self, width: u32, height: u32) -> [String; 2] {
        let range = if self.full_range { "full" } else { "limited" };
        let input = format!("w={width}:h={height}:f=bicubic:d=none:min={}:rin={range}", self.matrix);
        match self.transfer {
            // Its quick approximation of gamma is 6 codes off near black.
            Transfer::Sdr => [
                format!("zscale={input}:agamma=0:pin={}:tin=709:m=709:p=709:t=709:r=limited", self.primaries),
                "format=yuv420p".into(),
            ],
            Transfer::Hlg | Transfer::Pq => {
                [format!("zscale={input}:m={}:r={range}", self.matrix), "format=yuv420p10le".into()]
            }
        }
    }
}

/// The brightest that a PQ clip says it gets, in nits, from what FFmpeg hands on of SMPTE ST 2086 (`AVMasteringDisplayMetadata`)
/// and CTA-861.3 (`AVContentLightMetadata`): the brightest pixel, else the mastering display's peak. Writers that do
/// not know one of them write 0.
pub fn peak(mastering: Option<&[u8]>, light: Option<&[u8]>) -> Option<u32> {
    let word = |bytes: Option<&[u8]>, at: usize| -> Option<u32> {
        bytes?.get(at..at + 4)?.first_chunk().copied().map(u32::from_ne_bytes)
    };
    // Behind eight rationals of primaries and white and one of the least luminance.
    let display = || match (word(mastering, 72)?, word(mastering, 76)?, word(mastering, 84)?) {
        (nits, of, told) if told != 0 && of > 0 => Some(nits / of),
        _ => None,
    };
    word(light, 0).filter(|nits| *nits > 0).or_else(display).filter(|nits| *nits > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(space: Space, transfer: TransferCharacteristic, height: u32) -> Tags {
        let (range, primaries) = (Range::Unspecified, Primaries::Unspecified);
        Tags { space, range, primaries, transfer, height, full_range_format: false }
    }

    #[test]
    fn untagged_pictures_are_what_players_take_them_for() {
        let unknown = TransferCharacteristic::Unspecified;
        let hd = Colour::from_tags(&tags(Space::Unspecified, unknown, 1080));
        assert!(hd.is_plain() && hd.assumed);
        let sd = Colour::from_tags(&tags(Space::Unspecified, unknown, 480));
        assert_eq!((sd.matrix.as_str(), sd.primaries.as_str()), ("170m", "170m"));
    }

    #[test]
    fn hlg_without_other_tags_is_bt2020() {
        let hlg = Colour::from_tags(&tags(Space::Unspecified, TransferCharacteristic::ARIB_STD_B67, 1080));
        assert_eq!((hlg.matrix.as_str(), hlg.primaries.as_str(), hlg.transfer), ("2020_ncl", "2020", Transfer::Hlg));
    }

    #[test]
    fn the_brightest_pixel_beats_the_mastering_display() {
        let mastering = |nits: u32, told: u32| -> Vec<u8> {
            let rest = [0; 18].into_iter().chain([nits * 10_000, 10_000, 1, told]);
            rest.flat_map(u32::to_ne_bytes).collect()
        };
        let light: Vec<u8> = [603u32, 120].into_iter().flat_map(u32::to_ne_bytes).collect();
        assert_eq!(peak(Some(&mastering(4000, 1)), Some(&light)), Some(603));
        assert_eq!(peak(Some(&mastering(4000, 1)), Some(&[0; 8])), Some(4000));
        assert_eq!(peak(Some(&mastering(4000, 0)), None), None);
        assert_eq!(peak(Some(&[1; 20]), Some(&[1; 2])), None);
    }
}
