//! The two halves of a stream: which flags end them, what may still be read or written, when its data channel is of no more use.
//!
//! Closing a data channel may drop what is queued in it. So the sender of FIN waits for FIN_ACK, in the background, before its channel
//! is closed; the receiver answers every FIN at once, even where nobody reads.

use super::Flag;
use std::io;

/// State of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    read: Read,
    write: Write,
    ended: Option<Ended>,
}

/// What a reader finds once everything that came in is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// More may come.
    Later,
    /// The remote has finished.
    Eof,
    /// Nothing will come, and not because the remote has finished.
    Failed(io::ErrorKind),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Read {
    #[default]
    Open,
    /// FIN has come.
    Finished,
    /// Nobody reads here any more.
    Abandoned,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Write {
    #[default]
    Open,
    /// FIN is sent.
    Finishing,
    /// FIN is acknowledged.
    Finished,
    /// The remote reads no more.
    Stopped,
}

/// Both halves at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Reset,
    ChannelClosed,
}

impl State {
    /// A flag came in; gives the answer to it.
    pub fn receive(&mut self, flag: Flag) -> Option<Flag> {
        match flag {
            Flag::Fin => {
                if self.read == Read::Open {
                    self.read = Read::Finished;
                }
                return Some(Flag::FinAck);
            }
            Flag::StopSending if self.write == Write::Open => self.write = Write::Stopped,
            Flag::FinAck if self.write == Write::Finishing => self.write = Write::Finished,
            Flag::Reset => self.ended = self.ended.or(Some(Ended::Reset)),
            Flag::StopSending | Flag::FinAck => {}
        }
        None
    }

    /// The data channel is closed.
    pub fn channel_closed(&mut self) {
        self.ended = self.ended.or(Some(Ended::ChannelClosed));
    }

    /// This side gives up because of what the remote sent, or sends too much of; gives what to tell it.
    pub fn fail(&mut self) -> Option<Flag> {
        let told = self.ended.is_none().then_some(Flag::Reset);
        self.ended = self.ended.or(Some(Ended::Reset));
        told
    }

    /// Whether payload that comes in is kept for the reader.
    pub fn keeps_payload(&self) -> bool {
        self.read == Read::Open && self.ended.is_none()
    }

    /// Whether what came in and is unread must be forgotten: a reset takes it back.
    pub fn forgets(&self) -> bool {
        self.ended == Some(Ended::Reset)
    }

    /// What a reader finds after the last byte that came in.
    pub fn readable(&self) -> Readable {
        match (self.read, self.ended) {
            (_, Some(Ended::Reset)) => Readable::Failed(io::ErrorKind::ConnectionReset),
            (Read::Finished, _) => Readable::Eof,
            (_, Some(Ended::ChannelClosed)) => Readable::Failed(io::ErrorKind::UnexpectedEof),
            (Read::Open | Read::Abandoned, None) => Readable::Later,
        }
    }

    /// Whether anything may be written.
    ///
    /// # Errors
    /// `ConnectionReset` after a reset, else `BrokenPipe`.
    pub fn writable(&self) -> io::Result<()> {
        match (self.write, self.ended) {
            (_, Some(Ended::Reset)) => Err(io::ErrorKind::ConnectionReset.into()),
            (Write::Open, None) => Ok(()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The writer has finished; gives what to tell the remote, nothing if that is done already.
    ///
    /// # Errors
    /// `ConnectionReset` after a reset, `BrokenPipe` where the channel closed first.
    pub fn finish(&mut self) -> io::Result<Option<Flag>> {
        match (self.write, self.ended) {
            (Write::Finishing | Write::Finished | Write::Stopped, _) => Ok(None),
            (Write::Open, Some(Ended::Reset)) => Err(io::ErrorKind::ConnectionReset.into()),
            (Write::Open, Some(Ended::ChannelClosed)) => Err(io::ErrorKind::BrokenPipe.into()),
            (Write::Open, None) => {
                self.write = Write::Finishing;
                Ok(Some(Flag::Fin))
            }
        }
    }

    /// Nobody holds the stream any more; gives what to tell the remote.
    pub fn abandon(&mut self) -> Option<Flag> {
        if self.ended.is_some() {
            return None;
        }
        if self.write == Write::Open {
            // What was written may be half of something.
            return self.fail();
        }
        let open = self.read == Read::Open;
        self.read = if open { Read::Abandoned } else { self.read };
        open.then_some(Flag::StopSending)
    }

    /// Whether the data channel is of no more use to either side.
    pub fn is_settled(&self) -> bool {
        let read = matches!(self.read, Read::Finished | Read::Abandoned);
        let written = matches!(self.write, Write::Finished | Write::Stopped);
        self.ended.is_some() || (read && written)
    }

    /// Whether the data channel is closed.
    pub fn is_channel_closed(&self) -> bool {
        self.ended == Some(Ended::ChannelClosed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What an owner may do.
    #[derive(Clone, Copy, Debug)]
    enum Act {
        Finish,
        Abandon,
        Fail,
    }

    fn kind(result: io::Result<()>) -> Option<io::ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[test]
    fn a_half_closed_stream_still_carries_the_other_half() {
        let (mut a, mut b) = (State::default(), State::default());
        let fin = a.finish().unwrap().unwrap();
        assert_eq!(kind(a.writable()), Some(io::ErrorKind::BrokenPipe));
        let ack = b.receive(fin).unwrap();
        assert_eq!(b.readable(), Readable::Eof);
        assert!(b.writable().is_ok() && a.keeps_payload());
        a.receive(ack);
        assert!(!a.is_settled());
        let fin = b.finish().unwrap().unwrap();
        let ack = a.receive(fin).unwrap();
        b.receive(ack);
        assert!(a.is_settled() && b.is_settled());
        assert_eq!(a.readable(), Readable::Eof);
        assert_eq!(a.finish().unwrap(), None);
    }

    #[test]
    fn a_reset_ends_both_halves_on_both_sides() {
        let (mut a, mut b) = (State::default(), State::default());
        let reset = a.abandon().unwrap();
        assert_eq!(reset, Flag::Reset);
        assert_eq!(b.receive(reset), None);
        for state in [a, b] {
            assert_eq!(state.readable(), Readable::Failed(io::ErrorKind::ConnectionReset));
            assert_eq!(kind(state.writable()), Some(io::ErrorKind::ConnectionReset));
            assert!(state.is_settled() && state.forgets());
        }
        assert_eq!(b.abandon(), None);
    }

    #[test]
    fn a_reader_that_leaves_stops_the_writer() {
        let (mut a, mut b) = (State::default(), State::default());
        let fin = a.finish().unwrap().unwrap();
        let stop = a.abandon().unwrap();
        assert_eq!(stop, Flag::StopSending);
        let ack = b.receive(fin).unwrap();
        b.receive(stop);
        assert_eq!(kind(b.writable()), Some(io::ErrorKind::BrokenPipe));
        a.receive(ack);
        assert!(a.is_settled() && b.is_settled());
        assert_eq!(b.finish().unwrap(), None);
    }

    #[test]
    fn a_channel_that_closes_without_fin_is_not_an_end_of_file() {
        let mut cut = State::default();
        cut.channel_closed();
        assert_eq!(cut.readable(), Readable::Failed(io::ErrorKind::UnexpectedEof));
        assert!(!cut.forgets(), "what came in can still be read");
        assert_eq!(cut.finish().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let mut whole = State::default();
        whole.receive(Flag::Fin);
        whole.channel_closed();
        assert_eq!(whole.readable(), Readable::Eof);
    }

    fn flag() -> impl Strategy<Value = Flag> {
        prop_oneof![Just(Flag::Fin), Just(Flag::StopSending), Just(Flag::Reset), Just(Flag::FinAck)]
    }

    proptest! {
        /// Whatever flags come in whatever order: FIN is always answered, an end is final, and at most one reset is sent.
        #[test]
        fn any_flags_keep_the_invariants(
            steps in prop::collection::vec(
                prop_oneof![flag().prop_map(Ok), prop_oneof![Just(Act::Finish), Just(Act::Abandon), Just(Act::Fail)].prop_map(Err)],
                0..24,
            ),
        ) {
            let mut state = State::default();
            let mut resets = 0;
            for step in steps {
                let ended = state.ended;
                let sent = match step {
                    Ok(flag) => state.receive(flag),
                    Err(Act::Finish) => state.finish().unwrap_or(None),
                    Err(Act::Abandon) => state.abandon(),
                    Err(Act::Fail) => state.fail(),
                };
                prop_assert_eq!(matches!(step, Ok(Flag::Fin)), sent == Some(Flag::FinAck));
                resets += u32::from(sent == Some(Flag::Reset));
                prop_assert!(ended.is_none() || state.ended == ended);
                prop_assert!(state.ended.is_none() || state.is_settled());
            }
            prop_assert!(resets <= 1);
        }

        /// Two sides that each finish and leave, their flags arriving in order but interleaved anyhow, settle without a reset.
        #[test]
        fn two_sides_that_finish_settle(order in prop::collection::vec(any::<bool>(), 64)) {
            let mut states = [State::default(), State::default()];
            let mut wires: [Vec<Flag>; 2] = Default::default();
            let mut order = order.into_iter();
            let mut left = [2, 2];
            while left != [0, 0] || wires.iter().any(|wire| !wire.is_empty()) {
                let side = usize::from(order.next().unwrap_or(left[0] == 0 && wires[1].is_empty()));
                let other = 1 - side;
                if let Some(flag) = (!wires[other].is_empty()).then(|| wires[other].remove(0)) {
                    wires[side].extend(states[side].receive(flag));
                } else if left[side] > 0 {
                    left[side] -= 1;
                    let said = if left[side] == 1 { states[side].finish().unwrap() } else { states[side].abandon() };
                    wires[side].extend(said);
                } else {
                    wires.swap(0, 1);
                    states.swap(0, 1);
                    left.swap(0, 1);
                }
            }
            prop_assert!(states.iter().all(|state| state.is_settled() && state.ended.is_none()), "{:?}", states);
        }
    }
}
