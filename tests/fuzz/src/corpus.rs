//! The kept corpus: one file a target, `corpus/<target>.bin`, each input behind its length (four bytes, little-endian).
//!
//! The inputs are a few dozen bytes each and many: as files of their own they would be thousands. `cargo xtask fuzz` packs and
//! unpacks them.

use std::{fs, io, path::Path};

/// The kept inputs of a target; none, where nothing is kept.
///
/// # Errors
/// Where the file cannot be read, or ends within an input.
pub fn of(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format!("{target}.bin"));
    if !file.exists() {
        return Ok(Vec::new());
    }
    let bytes = fs::read(file)?;
    let mut rest = &bytes[..];
    let mut inputs = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
        let (input, after) =
            after.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(io::ErrorKind::UnexpectedEof)?;
        inputs.push(input.to_vec());
        rest = after;
    }
    Ok(inputs)
}
