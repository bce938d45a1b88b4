//! The coded sound of a cut, kept small: a long cut has tens of thousands of frames, and a packet for each would cost as
//! much again in book-keeping as the sound itself.

use ffmpeg_next as ff;
use ffmpeg_next::codec::packet::Flags;

/// Samples of one AAC frame.
pub const AAC_FRAME: usize = 1024;

/// AAC frames in order, one behind the other.
#[derive(Debug, Default)]
pub struct AacFrames {
    bytes: Vec<u8>,
    /// Where each frame ends in `bytes`.
    ends: Vec<usize>,
    /// Samples of the last frame that belong to the cut; none for all of them.
    last: Option<usize>,
}

impl AacFrames {
    /// Appends an encoder's packet.
    pub fn push(&mut self, packet: &ff::Packet) {
        self.bytes.extend_from_slice(packet.data().unwrap_or_default());
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Has the sound end after so many samples, which lie in the last frame.
    pub fn end_at(&mut self, samples: usize) {
        let before = self.len().saturating_sub(1) * AAC_FRAME;
        self.last = Some(samples.saturating_sub(before).clamp(1, AAC_FRAME));
    }

    /// Frame `number` as a packet; its time stamp and duration count samples from the start of the cut.
    pub fn packet(&self, number: usize) -> Option<ff::Packet> {
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut packet = ff::Packet::copy(&self.bytes[start..end]);
        packet.set_pts(Some((number * AAC_FRAME) as i64));
        packet.set_dts(packet.pts());
        let last = self.last.filter(|_| number + 1 == self.len());
        packet.set_duration(last.unwrap_or(AAC_FRAME) as i64);
        // Every AAC frame can be decoded by itself; without the mark a file would need a list of those that can.
        packet.set_flags(Flags::KEY);
        Some(packet)
    }

    /// Bytes that are held for all frames.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_and_the_last_one_is_cut_short() {
        let mut frames = AacFrames::default();
        let sent: Vec<Vec<u8>> = (1..6u8).map(|n| vec![n; usize::from(n) * 7]).collect();
        sent.iter().for_each(|bytes| frames.push(&ff::Packet::copy(bytes)));
        frames.end_at(4 * AAC_FRAME + 300);
        for (number, bytes) in sent.iter().enumerate() {
            let packet = frames.packet(number).expect("a frame");
            assert_eq!(packet.data(), Some(&bytes[..]));
            assert_eq!((packet.pts(), packet.dts()), (Some(number as i64 * 1024), Some(number as i64 * 1024)));
            assert_eq!(packet.duration(), if number == 4 { 300 } else { 1024 });
            assert!(packet.is_key());
        }
        assert!(frames.packet(5).is_none());
    }
}
