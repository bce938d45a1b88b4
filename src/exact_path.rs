//! Paths in JSON, whatever bytes they hold: a name that is no Unicode is written as its bytes.
//! For `#[serde(with = "crate::exact_path")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::{Path, PathBuf};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Bytes(Vec<u8>),
}

/// Writes a path.
///
/// # Errors
/// Those of the writer.
pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    let written = match path.to_str() {
        Some(text) => Written::Text(text.to_string()),
        None => Written::Bytes(path.as_os_str().as_encoded_bytes().to_vec()),
    };
    written.serialize(serializer)
}

/// Reads a path back.
///
/// # Errors
/// Those of the reader; bytes that are no name on this system.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Text(text) => Ok(PathBuf::from(text)),
        Written::Bytes(bytes) => {
            of_bytes(bytes).ok_or_else(|| serde::de::Error::custom("a path that is no name on this system"))
        }
    }
}

#[cfg(unix)]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File(#[serde(with = "super")] PathBuf);

    #[test]
    fn every_name_comes_back() {
        for name in ["a b".as_bytes(), "\"'%\n\\".as_bytes(), "é\u{202e}".as_bytes(), b"not \xff unicode", b""] {
            let file = File(PathBuf::from(OsStr::from_bytes(name)));
            let text = serde_json::to_string(&file).unwrap();
            assert!(!text.contains('\n'));
            assert_eq!(serde_json::from_str::<File>(&text).unwrap(), file);
        }
        assert_eq!(serde_json::to_string(&File("logo.png".into())).unwrap(), "\"logo.png\"");
    }
}
