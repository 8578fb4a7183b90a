//! Runs a session of signalling against a browser: its outputs one after the other, its inputs as they come.

use super::{
    connection::Connection,
    peer::{Peer, State},
};
use crate::{
    Config, Error,
    signaling::{Decoder, Failure, Input, Output, Role, Session},
};
use bytes::Bytes;
use futures::{
    AsyncReadExt, AsyncWriteExt, FutureExt, Stream, StreamExt,
    future::{self, Fuse, LocalBoxFuture},
    pin_mut, select_biased,
};
use futures_timer::Delay;
use std::{io, pin::Pin, task::Poll, time::Duration};

/// A connection being made.
pub(crate) type Negotiation = LocalBoxFuture<'static, Result<Connection, Error>>;

/// Makes a connection with the signalling over `stream`, within the deadline of `config`.
pub(crate) fn negotiate(stream: libp2p_swarm::Stream, role: Role, config: &Config) -> Negotiation {
    let config = config.clone();
    async move {
        let after = config.timeout;
        let mut signaling = Signaling { stream, session: Session::new(role), decoder: Decoder::default(), ended: None };
        let deadline = Delay::new(after).fuse();
        pin_mut!(deadline);
        // A browser has few connections to give: none before the remote has said something that makes sense.
        let first = {
            let first = signaling.first().fuse();
            pin_mut!(first);
            select_biased! {
                output = first => output,
                () = deadline => return Err(Error::Timeout { after }),
            }
        };
        if let Output::Fail(failure) = first {
            return Err(failed(failure, signaling.ended, &config));
        }
        let (peer, candidates) = Peer::new(&config)?;
        Running { peer, signaling }.run(first, candidates, deadline, &config).await
    }
    .boxed_local()
}

/// A session and the stream it goes over.
struct Signaling {
    stream: libp2p_swarm::Stream,
    session: Session,
    decoder: Decoder,
    /// What the stream said at its end.
    ended: Option<String>,
}

/// A session against a browser.
struct Running {
    peer: Peer,
    signaling: Signaling,
}

impl Running {
    async fn run(
        mut self,
        first: Output,
        candidates: impl Stream<Item = String>,
        mut deadline: Pin<&mut Fuse<Delay>>,
        config: &Config,
    ) -> Result<Connection, Error> {
        let candidates = candidates.fuse();
        pin_mut!(candidates);
        let mut buffer = [0; BUFFER];
        let mut next = Some(first);
        loop {
            while let Some(output) = next.take().or_else(|| self.signaling.session.output()) {
                let end = {
                    let done = self.obey(output).fuse();
                    pin_mut!(done);
                    select_biased! {
                        end = done => end?,
                        () = deadline => return Err(Error::Timeout { after: config.timeout }),
                    }
                };
                match end {
                    Some(Ok(())) => {
                        farewell(self.signaling.stream);
                        return Ok(Connection::new(self.peer, config.disconnected));
                    }
                    Some(Err(failure)) => {
                        // Dropped, the stream is reset.
                        return Err(failed(failure, self.signaling.ended, config));
                    }
                    None => {}
                }
            }
            let peer = &self.peer;
            let state = future::poll_fn(|context| match peer.poll_state(context) {
                State::Connected => Poll::Ready(Input::Connected),
                State::Failed | State::Closed => Poll::Ready(Input::Failed),
                State::Connecting | State::Disconnected => Poll::Pending,
            })
            .fuse();
            let open = self.signaling.ended.is_none();
            let stream = &mut self.signaling.stream;
            let read = async { if open { stream.read(&mut buffer).await } else { future::pending().await } }.fuse();
            pin_mut!(state, read);
            select_biased! {
                input = state => self.signaling.session.handle(input),
                read = read => self.signaling.hear(read, &buffer),
                json = candidates.select_next_some() => self.signaling.session.handle(Input::LocalCandidate(json)),
                () = deadline => self.signaling.session.handle(Input::Expired),
            }
        }
    }

    /// Does what the session asks for; says how it ended, once it has.
    async fn obey(&mut self, output: Output) -> Result<Option<Result<(), Failure>>, Error> {
        match output {
            Output::Create(description) => {
                let sdp = self.peer.create(description).await?;
                self.signaling.session.handle(Input::Created(sdp));
            }
            Output::Send(message) => {
                let stream = &mut self.signaling.stream;
                let sent = async {
                    stream.write_all(&message.to_bytes()).await?;
                    stream.flush().await
                };
                if let Err(error) = sent.await {
                    // The other side closes its end once it is connected; only the session knows whether that is early.
                    self.signaling.end(&error.to_string());
                }
            }
            Output::SetLocal(description, sdp) => self.peer.set_local(description, &sdp).await?,
            Output::SetRemote(description, sdp) => self.peer.set_remote(description, &sdp).await?,
            Output::AddCandidate(json) => {
                if let Err(error) = self.peer.add_candidate(&json).await {
                    tracing::debug!(%error, "a candidate of the remote was refused");
                }
            }
            Output::Done => return Ok(Some(Ok(()))),
            Output::Fail(failure) => return Ok(Some(Err(failure))),
        }
        Ok(None)
    }
}

impl Signaling {
    /// The first thing to do. The responder's is what the remote's first message asks for.
    async fn first(&mut self) -> Output {
        let mut buffer = [0; BUFFER];
        loop {
            if let Some(output) = self.session.output() {
                return output;
            }
            let read = self.stream.read(&mut buffer).await;
            self.hear(read, &buffer);
        }
    }

    fn hear(&mut self, read: io::Result<usize>, buffer: &[u8]) {
        match read {
            Ok(0) => self.end("closed by the peer"),
            Err(error) => self.end(&error.to_string()),
            Ok(length) => {
                self.decoder.push(Bytes::copy_from_slice(&buffer[..length]));
                loop {
                    match self.decoder.message() {
                        Ok(Some(message)) => self.session.handle(Input::Message(message)),
                        Ok(None) => return,
                        Err(error) => {
                            tracing::debug!(%error, "signalling cannot be read");
                            return self.session.handle(Input::Unreadable);
                        }
                    }
                }
            }
        }
    }

    fn end(&mut self, reason: &str) {
        self.ended.get_or_insert(reason.into());
        self.session.handle(Input::Ended);
    }
}

fn failed(failure: Failure, ended: Option<String>, config: &Config) -> Error {
    match failure {
        Failure::Violation(violation) => Error::Signaling(violation),
        Failure::Ended => Error::SignalingEnded { reason: ended.unwrap_or_default() },
        Failure::Ice => Error::IceFailed,
        Failure::Expired => Error::Timeout { after: config.timeout },
    }
}

/// Closes the stream in the background.
fn farewell(mut stream: libp2p_swarm::Stream) {
    wasm_bindgen_futures::spawn_local(async move {
        let close = stream.close().map(drop);
        pin_mut!(close);
        future::select(close, Delay::new(FAREWELL)).await;
    });
}

/// Bytes read at once.
const BUFFER: usize = 4 << 10;
/// Longest wait for the end of the stream to be taken.
const FAREWELL: Duration = Duration::from_secs(5);
