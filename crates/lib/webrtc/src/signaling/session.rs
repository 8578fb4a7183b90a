//! One session of signalling as a state machine: what came in goes to [`Session::handle`], what is to be done comes from
//! [`Session::output`].
//!
//! | initiator | responder |
//! |---|---|
//! | make an offer, send it, set it as local | |
//! | | set the offer as remote, make an answer, send it, set it as local |
//! | set the answer as remote | |
//! | send own candidates, add the other's, until connected | the same |
//!
//! The first message each way is the description: others insist on it, so candidates found before it is sent are held back, and those
//! that come before a remote description is set wait for it. The end of the stream is no failure once both descriptions are there: the
//! other side closes it when it is connected.
//!
//! A hostile peer could send a second description, candidates without end, or nothing. The first two end the session; against the last
//! whoever runs it keeps a deadline and tells it [`Input::Expired`].

use super::Message;
use std::collections::VecDeque;

/// Which side one is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends the offer.
    Initiator,
    /// Waits for it.
    Responder,
}

/// Which description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Description {
    /// Of the initiator.
    Offer,
    /// Of the responder.
    Answer,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The description that [`Output::Create`] asked for is made.
    Created(String),
    /// A message came in.
    Message(Message),
    /// What came in cannot be read.
    Unreadable,
    /// The remote has closed the stream, or it failed.
    Ended,
    /// A candidate of this side was found, as JSON.
    LocalCandidate(String),
    /// The browser says `connected`.
    Connected,
    /// The browser says `failed` or `closed`.
    Failed,
    /// The deadline is over.
    Expired,
}

/// What to do, in this order, each once the one before is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Have the browser make this description, then [`Input::Created`].
    Create(Description),
    /// Send this.
    Send(Message),
    /// Set this as the local description.
    SetLocal(Description, String),
    /// Set this as the remote description.
    SetRemote(Description, String),
    /// Add this candidate of the remote. One that the browser refuses is of no importance.
    AddCandidate(String),
    /// The connection is made: close the stream.
    Done,
    /// It will not be: reset the stream.
    Fail(Failure),
}

/// How a session fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The remote broke the protocol.
    Violation(Violation),
    /// The stream ended before both descriptions were there.
    Ended,
    /// The browser found no path.
    Ice,
    /// The deadline is over.
    Expired,
}

/// How a remote broke the protocol.
#[derive(Clone, Debug, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Its first message was not the description that was its turn, or it sent a second one.
    #[error("a description out of turn")]
    OutOfTurn,
    /// It sent more candidates than a host has.
    #[error("more than {MAX_CANDIDATES} candidates")]
    Candidates,
    /// Its bytes are no messages.
    #[error("bytes that are no messages")]
    Unreadable,
}

/// The most candidates taken from a remote. A host has one an address, network and protocol: a dozen or two.
pub const MAX_CANDIDATES: usize = 128;

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    role: Role,
    /// Whether the own description is sent.
    sent: bool,
    /// Whether the description of the remote has come.
    received: bool,
    candidates: usize,
    held: Vec<String>,
    early: Vec<String>,
    outputs: VecDeque<Output>,
    over: bool,
}

impl Session {
    /// A session that has not begun.
    pub fn new(role: Role) -> Self {
        let outputs = match role {
            Role::Initiator => [Output::Create(Description::Offer)].into(),
            Role::Responder => VecDeque::new(),
        };
        Self {
            role,
            sent: false,
            received: false,
            candidates: 0,
            held: Vec::new(),
            early: Vec::new(),
            outputs,
            over: false,
        }
    }

    /// Takes what happened. After the end nothing matters.
    pub fn handle(&mut self, input: Input) {
        if self.over {
            return;
        }
        match input {
            Input::Created(sdp) => self.created(sdp),
            Input::Message(Message::Offer(sdp)) => self.described(Description::Offer, sdp),
            Input::Message(Message::Answer(sdp)) => self.described(Description::Answer, sdp),
            Input::Message(Message::Candidate(json)) => self.candidate(json),
            Input::Unreadable => self.violated(Violation::Unreadable),
            Input::Ended if self.sent && self.received => {}
            Input::Ended => self.end(Output::Fail(Failure::Ended)),
            Input::LocalCandidate(json) if self.sent => self.outputs.push_back(Output::Send(Message::Candidate(json))),
            Input::LocalCandidate(json) => self.held.push(json),
            Input::Connected => self.end(Output::Done),
            Input::Failed => self.end(Output::Fail(Failure::Ice)),
            Input::Expired => self.end(Output::Fail(Failure::Expired)),
        }
    }

    /// What to do next.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn created(&mut self, sdp: String) {
        let (message, own) = match self.role {
            Role::Initiator => (Message::Offer(sdp.clone()), Description::Offer),
            Role::Responder => (Message::Answer(sdp.clone()), Description::Answer),
        };
        self.outputs.extend([Output::Send(message), Output::SetLocal(own, sdp)]);
        self.sent = true;
        self.outputs.extend(self.held.drain(..).map(|json| Output::Send(Message::Candidate(json))));
    }

    fn described(&mut self, description: Description, sdp: String) {
        let turn = match self.role {
            Role::Initiator => description == Description::Answer && self.sent,
            Role::Responder => description == Description::Offer,
        };
        if !turn || self.received {
            return self.violated(Violation::OutOfTurn);
        }
        self.received = true;
        self.outputs.push_back(Output::SetRemote(description, sdp));
        if self.role == Role::Responder {
            self.outputs.push_back(Output::Create(Description::Answer));
        }
        self.outputs.extend(self.early.drain(..).map(Output::AddCandidate));
    }

    fn candidate(&mut self, json: String) {
        self.candidates += 1;
        if self.candidates > MAX_CANDIDATES {
            self.violated(Violation::Candidates);
        } else if self.received {
            self.outputs.push_back(Output::AddCandidate(json));
        } else if self.role == Role::Responder {
            self.violated(Violation::OutOfTurn);
        } else {
            // A responder may find candidates before its answer is written.
            self.early.push(json);
        }
    }

    fn violated(&mut self, violation: Violation) {
        self.end(Output::Fail(Failure::Violation(violation)));
    }

    fn end(&mut self, output: Output) {
        self.over = true;
        self.outputs.clear();
        self.outputs.push_back(output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outputs(session: &mut Session) -> Vec<Output> {
        std::iter::from_fn(|| session.output()).collect()
    }

    /// A browser of the tests: makes descriptions, finds candidates once its description is set, connects once it has a candidate.
    struct Host {
        name: &'static str,
        session: Session,
        sent: VecDeque<Message>,
        local: bool,
        remote: Option<String>,
        heard: usize,
        end: Option<Output>,
    }

    impl Host {
        fn new(name: &'static str, role: Role) -> Self {
            Self {
                name,
                session: Session::new(role),
                sent: VecDeque::new(),
                local: false,
                remote: None,
                heard: 0,
                end: None,
            }
        }

        fn work(&mut self) {
            while let Some(output) = self.session.output() {
                match output {
                    Output::Create(_) => self.session.handle(Input::Created(self.name.into())),
                    Output::Send(message) => self.sent.push_back(message),
                    Output::SetLocal(..) => {
                        self.local = true;
                        self.session.handle(Input::LocalCandidate(format!("{} 1", self.name)));
                        self.session.handle(Input::LocalCandidate(format!("{} 2", self.name)));
                    }
                    Output::SetRemote(_, sdp) => {
                        assert!(self.remote.is_none());
                        self.remote = Some(sdp);
                    }
                    Output::AddCandidate(_) => {
                        assert!(self.remote.is_some(), "no candidate before the remote description");
                        self.heard += 1;
                    }
                    end => self.end = Some(end),
                }
            }
        }
    }

    /// Lets both work and hear each other, in the order that `turns` gives, until nothing moves.
    fn run(a: &mut Host, b: &mut Host, turns: &mut impl Iterator<Item = bool>) {
        loop {
            a.work();
            b.work();
            let (from, to) = if turns.next().unwrap_or(true) { (&mut *a, &mut *b) } else { (&mut *b, &mut *a) };
            if let Some(message) = from.sent.pop_front() {
                to.session.handle(Input::Message(message));
            } else if let Some(message) = to.sent.pop_front() {
                from.session.handle(Input::Message(message));
            } else {
                return;
            }
        }
    }

    proptest! {
        #[test]
        fn two_hosts_connect_in_any_order(turns in prop::collection::vec(any::<bool>(), 0..24)) {
            let mut a = Host::new("a", Role::Initiator);
            let mut b = Host::new("b", Role::Responder);
            run(&mut a, &mut b, &mut turns.into_iter());
            prop_assert_eq!((a.remote.as_deref(), b.remote.as_deref()), (Some("b"), Some("a")));
            prop_assert_eq!((a.heard, b.heard), (2, 2));
            a.session.handle(Input::Connected);
            // The faster closes its stream first.
            b.session.handle(Input::Ended);
            b.session.handle(Input::Connected);
            a.work();
            b.work();
            prop_assert_eq!((a.end, b.end), (Some(Output::Done), Some(Output::Done)));
        }

        /// Both dial at once: two sessions side by side, each with its own connection; neither disturbs the other, and the rule of
        /// `surplus` then leaves one.
        #[test]
        fn glare_makes_two_and_leaves_one(turns in prop::collection::vec(any::<bool>(), 0..64)) {
            let mut turns = turns.into_iter();
            let (mut a1, mut b1) = (Host::new("a", Role::Initiator), Host::new("b", Role::Responder));
            let (mut a2, mut b2) = (Host::new("a", Role::Responder), Host::new("b", Role::Initiator));
            run(&mut a1, &mut b1, &mut turns);
            run(&mut b2, &mut a2, &mut turns);
            for host in [&mut a1, &mut b1, &mut a2, &mut b2] {
                host.session.handle(Input::Connected);
                host.work();
                prop_assert_eq!(host.end.clone(), Some(Output::Done));
            }
            use crate::{Initiator::{Local, Remote}, surplus};
            prop_assert_eq!(surplus(&[(1, Local), (2, Remote)], true), Vec::<i32>::new());
            prop_assert_eq!(surplus(&[(2, Local), (1, Remote)], false), vec![2]);
        }

        /// Whatever happens in whatever order ends at most once, and asks for nothing afterwards.
        #[test]
        fn it_ends_once(inputs in prop::collection::vec(0..9u8, 0..40), initiator in any::<bool>()) {
            let mut session = Session::new(if initiator { Role::Initiator } else { Role::Responder });
            let mut ends = 0;
            for input in inputs {
                session.handle(match input {
                    0 => Input::Created("own".into()),
                    1 => Input::Message(Message::Offer("o".into())),
                    2 => Input::Message(Message::Answer("a".into())),
                    3 | 4 => Input::Message(Message::Candidate("c".into())),
                    5 => Input::LocalCandidate("l".into()),
                    6 => Input::Connected,
                    7 => Input::Failed,
                    _ => Input::Ended,
                });
                for output in outputs(&mut session) {
                    prop_assert_eq!(ends, 0, "{:?} after the end", output);
                    ends += u32::from(matches!(output, Output::Done | Output::Fail(_)));
                }
            }
        }
    }

    #[test]
    fn the_description_goes_first() {
        let mut session = Session::new(Role::Initiator);
        assert_eq!(outputs(&mut session), [Output::Create(Description::Offer)]);
        session.handle(Input::LocalCandidate("early".into()));
        assert_eq!(outputs(&mut session), []);
        session.handle(Input::Created("sdp".into()));
        let expected = [
            Output::Send(Message::Offer("sdp".into())),
            Output::SetLocal(Description::Offer, "sdp".into()),
            Output::Send(Message::Candidate("early".into())),
        ];
        assert_eq!(outputs(&mut session), expected);
    }

    #[test]
    fn what_is_out_of_turn_ends_it() {
        let offer = || Input::Message(Message::Offer("o".into()));
        let answer = || Input::Message(Message::Answer("a".into()));
        let candidate = || Input::Message(Message::Candidate("c".into()));
        let cases: [(Role, Vec<Input>); 5] = [
            (Role::Responder, vec![answer()]),
            (Role::Responder, vec![candidate()]),
            (Role::Responder, vec![offer(), offer()]),
            (Role::Initiator, vec![Input::Created("own".into()), offer()]),
            (Role::Initiator, vec![Input::Created("own".into()), answer(), answer()]),
        ];
        for (role, inputs) in cases {
            let mut session = Session::new(role);
            inputs.into_iter().for_each(|input| session.handle(input));
            let end = Output::Fail(Failure::Violation(Violation::OutOfTurn));
            assert_eq!(outputs(&mut session).last(), Some(&end), "{role:?}");
        }
    }

    #[test]
    fn candidates_are_bounded_before_and_after_the_description() {
        for described in [false, true] {
            let mut session = Session::new(Role::Initiator);
            session.handle(Input::Created("own".into()));
            if described {
                session.handle(Input::Message(Message::Answer("a".into())));
            }
            for _ in 0..=MAX_CANDIDATES {
                session.handle(Input::Message(Message::Candidate("c".into())));
            }
            assert_eq!(outputs(&mut session), [Output::Fail(Failure::Violation(Violation::Candidates))]);
            assert!(session.early.len() <= MAX_CANDIDATES);
        }
    }

    #[test]
    fn an_end_before_the_descriptions_fails_and_after_them_does_not() {
        let mut session = Session::new(Role::Initiator);
        session.handle(Input::Created("own".into()));
        let mut answered = session.clone();
        session.handle(Input::Ended);
        assert_eq!(outputs(&mut session), [Output::Fail(Failure::Ended)]);
        answered.handle(Input::Message(Message::Answer("a".into())));
        answered.handle(Input::Ended);
        answered.handle(Input::Failed);
        assert_eq!(outputs(&mut answered), [Output::Fail(Failure::Ice)]);
        let mut late = Session::new(Role::Responder);
        late.handle(Input::Expired);
        assert_eq!(outputs(&mut late), [Output::Fail(Failure::Expired)]);
    }
}
