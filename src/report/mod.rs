//! What a person reads: progress bars, plain lines, NDJSON, the HTML sheet.
