//! What a data channel brings: frames however they are cut, and what their flags do to a stream.

use bytes::Bytes;
use webrtc::stream::{Decoder, Flag, Frame, FrameError, State};

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(parts) = crate::input::<Vec<Vec<u8>>>(bytes) else { return };
    let whole = read(&[parts.concat()]);
    assert_eq!(whole, read(&parts), "the same bytes cut otherwise");
    let mut state = State::default();
    let mut resets = 0;
    for frame in whole.0 {
        if let Some(flag) = frame.flag {
            let answer = state.receive(flag);
            assert_eq!(answer == Some(Flag::FinAck), flag == Flag::Fin);
        }
    }
    if whole.1.is_some() {
        resets += u32::from(state.fail() == Some(Flag::Reset));
        assert!(state.is_settled() && state.forgets() || state.is_channel_closed());
    }
    resets += u32::from(state.abandon() == Some(Flag::Reset));
    assert!(resets <= 1);
}

/// All frames, and the error that ended them.
fn read(parts: &[Vec<u8>]) -> (Vec<Frame>, Option<FrameError>) {
    let mut decoder = Decoder::default();
    let mut frames = Vec::new();
    for part in parts {
        decoder.push(Bytes::copy_from_slice(part));
        loop {
            match decoder.frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}
