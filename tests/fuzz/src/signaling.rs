//! What a signalling stream brings, and what a session makes of it whatever else happens meanwhile.

use arbitrary::Arbitrary;
use bytes::Bytes;
use webrtc::signaling::{Decoder, Input, MAX_CANDIDATES, Output, Role, Session};

#[derive(Arbitrary, Debug)]
enum Happening {
    Bytes(Vec<u8>),
    Candidate(String),
    Ended,
    Connected,
    Failed,
    Expired,
}

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(run) = crate::input::<(bool, Vec<Happening>)>(bytes) else { return };
    let mut session = Session::new(if run.0 { Role::Initiator } else { Role::Responder });
    let mut decoder = Decoder::default();
    let mut seen = Seen::default();
    seen.all(&mut session);
    for happening in run.1 {
        match happening {
            Happening::Bytes(bytes) => {
                decoder.push(Bytes::from(bytes));
                loop {
                    match decoder.message() {
                        Ok(Some(message)) => session.handle(Input::Message(message)),
                        Ok(None) => break,
                        Err(_) => {
                            session.handle(Input::Unreadable);
                            seen.all(&mut session);
                            assert_eq!(seen.ends, 1);
                            return;
                        }
                    }
                    seen.all(&mut session);
                }
            }
            Happening::Candidate(json) => session.handle(Input::LocalCandidate(json)),
            Happening::Ended => session.handle(Input::Ended),
            Happening::Connected => session.handle(Input::Connected),
            Happening::Failed => session.handle(Input::Failed),
            Happening::Expired => session.handle(Input::Expired),
        }
        seen.all(&mut session);
    }
}

#[derive(Default)]
struct Seen {
    remote: bool,
    added: usize,
    ends: u32,
}

impl Seen {
    fn all(&mut self, session: &mut Session) {
        while let Some(output) = session.output() {
            assert_eq!(self.ends, 0, "{output:?} after the end");
            match output {
                Output::Create(_) => session.handle(Input::Created("own".into())),
                Output::SetRemote(..) => assert!(!std::mem::replace(&mut self.remote, true)),
                Output::AddCandidate(_) => {
                    assert!(self.remote);
                    self.added += 1;
                    assert!(self.added <= MAX_CANDIDATES);
                }
                Output::Done | Output::Fail(_) => self.ends += 1,
                Output::Send(_) | Output::SetLocal(..) => {}
            }
        }
    }
}
