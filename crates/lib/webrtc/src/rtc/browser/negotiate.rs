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
    future::{self, LocalBoxFuture},
    pin_mut, select_biased,
};
use futures_timer::Delay;
use std::{io, task::Poll, time::Duration};

/// A connection being made.
pub(crate) type Negotiation = LocalBoxFuture<'static, Result<Connection, Error>>;

/// Makes a connection with the signalling over `stream`, within the deadline of `config`.
pub(crate) fn negotiate(stream: libp2p_swarm::Stream, role: Role, config: &Config) -> Negotiation {
    let config = config.clone();
    async move {
        let (peer, candidates) = Peer::new(&config)?;
        let deadline = Delay::new(config.timeout);
        Running { peer, stream, session: Session::new(role), decoder: Decoder::default(), ended: None }
            .run(candidates, deadline, &config)
            .await
    }
    .boxed_local()
}

struct Running {
    peer: Peer,
    stream: libp2p_swarm::Stream,
    session: Session,
    decoder: Decoder,
    /// What the stream said at its end.
    ended: Option<String>,
}

impl Running {
    async fn run(
        mut self,
        candidates: impl Stream<Item = String>,
        deadline: Delay,
        config: &Config,
    ) -> Result<Connection, Error> {
        let candidates = candidates.fuse();
        let deadline = deadline.fuse();
        pin_mut!(candidates, deadline);
        let mut buffer = [0; BUFFER];
        loop {
            while let Some(output) = self.session.output() {
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
                        farewell(self.stream);
                        return Ok(Connection::new(self.peer, config.disconnected));
                    }
                    Some(Err(failure)) => {
                        // Dropped, the stream is reset.
                        return Err(failed(failure, self.ended, config));
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
            let open = self.ended.is_none();
            let stream = &mut self.stream;
            let read = async { if open { stream.read(&mut buffer).await } else { future::pending().await } }.fuse();
            pin_mut!(state, read);
            select_biased! {
                input = state => self.session.handle(input),
                read = read => self.hear(read, &buffer),
                json = candidates.select_next_some() => self.session.handle(Input::LocalCandidate(json)),
                () = deadline => self.session.handle(Input::Expired),
            }
        }
    }

    /// Does what the session asks for; says how it ended, once it has.
    async fn obey(&mut self, output: Output) -> Result<Option<Result<(), Failure>>, Error> {
        match output {
            Output::Create(description) => {
                let sdp = self.peer.create(description).await?;
                self.session.handle(Input::Created(sdp));
            }
            Output::Send(message) => {
                let sent = async {
                    self.stream.write_all(&message.to_bytes()).await?;
                    self.stream.flush().await
                };
                if let Err(error) = sent.await {
                    // The other side closes its end once it is connected; only the session knows whether that is early.
                    self.ended.get_or_insert(error.to_string());
                    self.session.handle(Input::Ended);
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
        self.ended = Some(reason.into());
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
