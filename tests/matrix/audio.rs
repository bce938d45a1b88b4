//! Sound of every kind: level, true peak and the absence of clicks.
