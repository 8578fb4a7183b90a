//! Of each connection: streams of the signalling, opened and accepted. What happens on them is the behaviour's, so that
//! the end of a relayed connection does not end a session that has no more need of it.
//!
//! A hostile peer could open such streams without end: those that the behaviour has no room for are reset, and the connection bounds
//! how many wait for their protocol.

use crate::signaling::PROTOCOL;
use libp2p_core::upgrade::ReadyUpgrade;
use libp2p_swarm::{
    ConnectionHandler, ConnectionHandlerEvent, Stream, StreamProtocol, StreamUpgradeError, SubstreamProtocol,
    handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
};
use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

/// Number of a dial, unique in one behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DialId(pub(crate) u64);

/// From the behaviour: open a stream for this dial.
#[derive(Clone, Copy, Debug)]
pub struct Open(pub(crate) DialId);

/// To the behaviour.
#[derive(Debug)]
pub enum Opened {
    /// The stream that was asked for.
    Outbound(DialId, Stream),
    /// There will be none.
    Failed(DialId, Refused),
    /// A stream that the remote has opened.
    Inbound(Stream),
}

/// Why a stream was not opened.
#[derive(Debug)]
pub enum Refused {
    /// The remote does not speak the protocol.
    Unsupported,
    /// The stream failed.
    Failed(String),
}

/// The handler of one connection.
#[derive(Debug, Default)]
pub struct Handler {
    /// Dials that wait to be asked for, and for an answer.
    wanted: VecDeque<DialId>,
    opening: usize,
    events: VecDeque<Opened>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = Opened;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = DialId;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn connection_keep_alive(&self) -> bool {
        !self.wanted.is_empty() || self.opening > 0
    }

    fn on_behaviour_event(&mut self, Open(dial): Open) {
        self.wanted.push_back(dial);
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<ReadyUpgrade<StreamProtocol>, DialId, Opened>> {
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if let Some(dial) = self.wanted.pop_front() {
            self.opening += 1;
            let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), dial);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<Self::InboundProtocol, Self::OutboundProtocol, (), DialId>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) => {
                self.events.push_back(Opened::Inbound(protocol));
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                self.opening = self.opening.saturating_sub(1);
                self.events.push_back(Opened::Outbound(info, protocol));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                self.opening = self.opening.saturating_sub(1);
                let refused = match error {
                    StreamUpgradeError::NegotiationFailed => Refused::Unsupported,
                    StreamUpgradeError::Timeout => Refused::Failed("no answer in time".into()),
                    StreamUpgradeError::Io(error) => Refused::Failed(error.to_string()),
                    StreamUpgradeError::Apply(never) => match never {},
                };
                self.events.push_back(Opened::Failed(info, refused));
            }
            _ => {}
        }
    }
}
