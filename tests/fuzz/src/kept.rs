//! Files that a browser kept: what a crash cut off and what was changed is found, and what was written whole before it is given
//! back.

use arbitrary::Arbitrary;
use opfs::frames;

/// What was written, where it was cut, and a byte that changed.
#[derive(Arbitrary, Debug)]
struct Input {
    contents: Vec<Vec<u8>>,
    cut: u16,
    changed: Option<(u16, u8)>,
    file: Vec<u8>,
}

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(Input { contents, cut, changed, file }) = crate::input(bytes) else { return };
    let held = frames::read(&file);
    assert!(held.whole <= file.len() && held.content.len() <= held.whole);
    assert_eq!(frames::read(&file[..held.whole]).content, held.content, "what is cut off was of no use");

    let frames: Vec<Vec<u8>> = contents.iter().map(|content| frames::frame(content).expect("it is short")).collect();
    let mut written = frames.concat();
    let whole = frames::read(&written);
    assert!(whole.content == contents.concat() && whole.whole == written.len() && whole.damage.is_none());
    let mut end = usize::from(cut) % (written.len() + 1);
    written.truncate(end);
    if let Some((at, by)) = changed.filter(|(_, by)| *by != 0)
        && end > 0
    {
        let at = usize::from(at) % end;
        written[at] ^= by;
        end = at;
    }
    // Of what lies before the cut or the change, every whole frame and nothing else.
    let (mut before, mut content) = (0, Vec::new());
    for (frame, inside) in frames.iter().zip(&contents) {
        if before + frame.len() > end {
            break;
        }
        before += frame.len();
        content.extend_from_slice(inside);
    }
    let held = frames::read(&written);
    assert_eq!((held.whole, held.content), (before, content));
}
