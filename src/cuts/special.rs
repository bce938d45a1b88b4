//! What a person should know about the mode that a clip was recorded in, in words of the front desk. Pure.

use crate::media::{Probe, Special, Transfer};

/// Above this many frames a second a clip was meant to be played slowly.
const SLOW_MOTION: f64 = 61.0;

/// One sentence for each thing that is special about the recording.
pub(super) fn notes(probe: &Probe) -> Vec<String> {
    let mut notes = Vec::new();
    let fps = probe.video.rate.fps();
    if fps > SLOW_MOTION {
        notes.push(format!("It was recorded at {fps:.0} frames a second (slow motion) and plays at normal speed."));
    }
    let dolby = probe.special.contains(&Special::DolbyVision);
    let hdr = match probe.video.colour.transfer {
        _ if dolby => Some("Dolby Vision"),
        Transfer::Hlg => Some("HLG"),
        Transfer::Pq => Some("PQ, as HDR10"),
        Transfer::Sdr => None,
    };
    if let Some(kind) = hdr {
        notes.push(format!("It was recorded in HDR ({kind}); the cuts are in ordinary colour."));
    }
    notes.extend(probe.special.iter().filter_map(|special| {
        match special {
        Special::Captured { fps: taken } if f64::from(*taken) > SLOW_MOTION.max(fps * 1.5) => Some(format!(
            "It was recorded as slow motion ({taken} frames a second) and the phone saved it slowed down to {fps:.0}, \
             so it plays slowly; record answers at normal speed."
        )),
        Special::Captured { .. } | Special::DolbyVision => None,
        Special::Cinematic => Some(
            "It was recorded in Cinematic mode. The blurred background may be missing in the cuts; to keep it, export \
             the clip from Photos and use that file."
                .to_string(),
        ),
        Special::SpatialAudio if probe.audio.is_some() => {
            Some("Its spatial sound (apac) was left out; the cuts have the ordinary sound track.".to_string())
        }
        Special::SpatialAudio => Some(
            "It has only spatial sound (apac), which cannot be read; set the camera to record stereo.".to_string(),
        ),
        Special::ScreenRecording => {
            Some("It is a recording of a screen; check that nothing private is shown on it.".to_string())
        }
    }
    }));
    notes
}
