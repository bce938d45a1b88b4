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
            assumed: matrix.is_none(),
        }
    }

    /// Whether the codes already mean BT.709 limited range.
    pub fn is_plain(&self) -> bool {
        !self.full_range && self.matrix == "709" && self.primaries == "709" && self.transfer == Transfer::Sdr
    }

    /// The filters that scale a picture to `width` x `height` and bring it to BT.709 limited range, 8 bits, 4:2:0.
    ///
    /// HDR is scaled before it is tone-mapped: at 4K that takes 10.9 CPU-seconds instead of 28.4 for 5 s of picture.
    /// `npl=203` puts HDR's diffuse white (ITU-R BT.2408) at 1.0, `peak=4.93` is 1000 nits in those units; Mobius leaves
    /// what lies below its knee as it is, so faces keep their contrast.
    pub fn to_bt709(&self, width: u32, height: u32) -> Vec<String> {
        let range = if self.full_range { "full" } else { "limited" };
        let input = |transfer: &str| format!("min={}:pin={}:tin={transfer}:rin={range}", self.matrix, self.primaries);
        let scale = format!("w={width}:h={height}:f=bicubic");
        match self.transfer {
            Transfer::Sdr => vec![
                format!("zscale={scale}:{}:m=709:p=709:t=709:r=limited:d=none", input("709")),
                "format=yuv420p".into(),
            ],
            Transfer::Hlg | Transfer::Pq => {
                let curve = if self.transfer == Transfer::Hlg { "arib-std-b67" } else { "smpte2084" };
                vec![
                    format!("zscale={scale}:{}:d=none", input(curve)),
                    "zscale=t=linear:npl=203".into(),
                    "format=gbrpf32le".into(),
                    "zscale=p=709".into(),
                    "tonemap=mobius:peak=4.93:desat=0".into(),
                    "zscale=m=709:t=709:r=limited:d=none".into(),
                    "format=yuv420p".into(),
                ]
            }
        }
    }
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
}
