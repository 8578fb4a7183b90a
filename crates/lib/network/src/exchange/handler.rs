//! The streams of one connection: one that this side asks on, and those that the other asks on.

use super::frame::{Codec, Frame};
use asynchronous_codec::Framed;
use bytes::Bytes;
use futures::{Sink, SinkExt, Stream as _, StreamExt};
use libp2p::{
    StreamProtocol,
    core::upgrade::ReadyUpgrade,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, Stream, StreamUpgradeError, SubstreamProtocol,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use protocol::limits;
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// From the behaviour.
#[derive(Debug)]
pub(crate) enum Command {
    /// Ask this.
    Request { id: u32, bytes: Bytes },
    /// Nobody waits for the answer any more: do not ask, if that is not done yet.
    Cancel { id: u32 },
    /// The answer does not come any more.
    Forget { id: u32 },
    /// Answer this.
    Respond { stream: u64, id: u32, bytes: Bytes },
}

/// To the behaviour.
#[derive(Debug)]
pub(crate) enum Report {
    /// The other asks.
    Request { stream: u64, id: u32, bytes: Bytes },
    /// The other answers.
    Response { id: u32, bytes: Bytes },
    /// It will not.
    Failed { id: u32, reason: String },
}

type Framing = Framed<Stream, Codec>;

/// Both directions of one connection.
#[derive(Default)]
pub(crate) struct Handler {
    asking: Asking,
    /// Requests that are not sent yet.
    queue: VecDeque<Frame>,
    /// Requests that are, and their lengths.
    unanswered: BTreeMap<u32, usize>,
    serving: VecDeque<Serving>,
    streams: u64,
    reports: VecDeque<Report>,
}

/// The stream that this side asks on.
#[derive(Default)]
enum Asking {
    #[default]
    Closed,
    Opening,
    Open(Box<Framing>),
}

/// A stream that the other asks on.
struct Serving {
    number: u64,
    framing: Box<Framing>,
    responses: VecDeque<Frame>,
    unanswered: usize,
}

impl Handler {
    /// Ends the own stream; whatever was asked on it, or would be, is not answered.
    fn fail(&mut self, reason: &str) {
        self.asking = Asking::Closed;
        let asked = std::mem::take(&mut self.unanswered).into_keys();
        let lost = asked.chain(self.queue.drain(..).map(|frame| frame.id));
        self.reports.extend(lost.map(|id| Report::Failed { id, reason: reason.into() }));
    }

    /// Whether the next request may go out now.
    fn has_window(&self) -> bool {
        let sent: usize = self.unanswered.values().sum();
        self.queue.front().is_some_and(|next| sent == 0 || sent + next.bytes.len() <= limits::WINDOW)
    }

    fn poll_asking(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        while self.has_window() {
            let Asking::Open(framing) = &mut self.asking else { return Ok(()) };
            let Some(frame) = poll_send(framing, &mut self.queue, context).map_err(|error| error.to_string())? else {
                break;
            };
            self.unanswered.insert(frame.0, frame.1);
        }
        let Asking::Open(framing) = &mut self.asking else { return Ok(()) };
        if let Poll::Ready(Err(error)) = framing.poll_flush_unpin(context) {
            return Err(error.to_string());
        }
        while let Poll::Ready(response) = framing.poll_next_unpin(context) {
            let Frame { id, bytes } =
                response.ok_or("the peer ended the stream")?.map_err(|error| error.to_string())?;
            if self.unanswered.remove(&id).is_some() {
                self.reports.push_back(Report::Response { id, bytes });
            }
            // The window may have opened.
            context.waker().wake_by_ref();
        }
        Ok(())
    }
}

impl Serving {
    /// Moves responses out and takes requests in; an error ends the stream.
    fn poll(&mut self, reports: &mut VecDeque<Report>, context: &mut Context<'_>) -> io::Result<()> {
        while poll_send(&mut self.framing, &mut self.responses, context)?.is_some() {}
        if let Poll::Ready(sent) = self.framing.poll_flush_unpin(context) {
            sent?;
        }
        // Responses that the other does not read count too.
        while self.unanswered + self.responses.len() < UNANSWERED {
            match Pin::new(&mut *self.framing).poll_next(context) {
                Poll::Ready(Some(frame)) => {
                    let Frame { id, bytes } = frame?;
                    self.unanswered += 1;
                    reports.push_back(Report::Request { stream: self.number, id, bytes });
                }
                Poll::Ready(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Poll::Pending => break,
            }
        }
        Ok(())
    }
}

/// Puts the first of `queue` into the sink if there is room; gives its id and length.
fn poll_send(
    framing: &mut Framing,
    queue: &mut VecDeque<Frame>,
    context: &mut Context<'_>,
) -> io::Result<Option<(u32, usize)>> {
    if queue.is_empty() {
        return Ok(None);
    }
    let mut sink = Pin::new(framing);
    match sink.as_mut().poll_ready(context) {
        Poll::Pending => Ok(None),
        Poll::Ready(ready) => {
            ready?;
            let Some(frame) = queue.pop_front() else { return Ok(None) };
            let sent = (frame.id, frame.bytes.len());
            sink.start_send(frame)?;
            Ok(Some(sent))
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Command;
    type ToBehaviour = Report;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn on_behaviour_event(&mut self, command: Command) {
        match command {
            Command::Request { id, bytes } => self.queue.push_back(Frame { id, bytes }),
            // One that is sent keeps its part of the window: the other may not have read it.
            Command::Cancel { id } => self.queue.retain(|frame| frame.id != id),
            Command::Forget { id } => {
                self.queue.retain(|frame| frame.id != id);
                self.unanswered.remove(&id);
            }
            Command::Respond { stream, id, bytes } => {
                if let Some(serving) = self.serving.iter_mut().find(|serving| serving.number == stream) {
                    serving.unanswered = serving.unanswered.saturating_sub(1);
                    serving.responses.push_back(Frame { id, bytes });
                }
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Report>> {
        if let Err(reason) = self.poll_asking(context) {
            self.fail(&reason);
        }
        let Self { serving, reports, .. } = self;
        // A stream that fails takes its unanswered requests with it: the other sees its end.
        serving.retain_mut(|serving| serving.poll(reports, context).is_ok());
        if let Some(report) = self.reports.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(report));
        }
        if matches!(self.asking, Asking::Closed) && !self.queue.is_empty() {
            self.asking = Asking::Opening;
            let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ());
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<Self::InboundProtocol, Self::OutboundProtocol, (), ()>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) => {
                self.streams += 1;
                self.serving.push_back(Serving {
                    number: self.streams,
                    framing: Box::new(Framed::new(protocol, Codec)),
                    responses: VecDeque::new(),
                    unanswered: 0,
                });
                while self.serving.len() > STREAMS {
                    self.serving.pop_front();
                }
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, .. }) => {
                self.asking = Asking::Open(Box::new(Framed::new(protocol, Codec)));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, .. }) => self.fail(&match error {
                StreamUpgradeError::NegotiationFailed => "the peer does not speak the exchange".into(),
                error => error.to_string(),
            }),
            _ => {}
        }
    }
}

/// The protocol.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/peerage/exchange/1");
/// Streams of the other that are read: the one in use, and one that replaces it.
const STREAMS: usize = 2;
/// Requests of one stream that may wait for their responses; then reading stops.
const UNANSWERED: usize = 16;
