//! Words to cues to lines to ASS, SRT and VTT. Pure but for reading the system's fonts.
