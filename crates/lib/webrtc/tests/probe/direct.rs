//! Streams of the probe's protocols, on direct connections alone.
//!
//! Unlike libp2p-stream it never takes a relayed connection, and it drops no stream when many arrive at once: what is lost here was lost on
//! the way.

use crate::serve::SERVED;
use futures::{
    StreamExt,
    channel::{mpsc, oneshot},
};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, InboundUpgrade, UpgradeInfo, transport::PortUse, upgrade::ReadyUpgrade},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
        NotifyHandler, SubstreamProtocol, ToSwarm,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
    time::Duration,
};

/// Somebody wants a stream to `peer`.
#[derive(Debug)]
pub struct Open {
    pub peer: PeerId,
    pub protocol: StreamProtocol,
    pub reply: Reply,
}

type Reply = oneshot::Sender<Result<Stream, String>>;
/// A stream that the other side has opened.
pub type Opened = (StreamProtocol, Stream);

/// Carries wishes to the connections, and opened streams from them.
pub struct Behaviour {
    wishes: mpsc::UnboundedReceiver<Open>,
    opened: mpsc::UnboundedSender<Opened>,
    direct: Vec<(ConnectionId, PeerId)>,
}

impl Behaviour {
    pub fn new(wishes: mpsc::UnboundedReceiver<Open>, opened: mpsc::UnboundedSender<Opened>) -> Self {
        Self { wishes, opened, direct: Vec::new() }
    }

    fn handler(&self, remote: &Multiaddr) -> Handler {
        let served = if peerage_webrtc::is_webrtc(remote) { SERVED.to_vec() } else { Vec::new() };
        Handler { served, opened: self.opened.clone(), wishes: VecDeque::new() }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.handler(remote))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.handler(remote))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(new) if peerage_webrtc::is_webrtc(new.endpoint.get_remote_address()) => {
                self.direct.push((new.connection_id, new.peer_id));
            }
            FromSwarm::ConnectionClosed(old) => self.direct.retain(|(id, _)| *id != old.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: Infallible) {
        match event {}
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Infallible, Open>> {
        while let Poll::Ready(Some(wish)) = self.wishes.poll_next_unpin(context) {
            if let Some((id, peer)) = self.direct.iter().find(|(_, peer)| *peer == wish.peer) {
                let handler = NotifyHandler::One(*id);
                return Poll::Ready(ToSwarm::NotifyHandler { peer_id: *peer, handler, event: wish });
            }
            let _ = wish.reply.send(Err(format!("no direct connection with {}", wish.peer)));
        }
        Poll::Pending
    }
}

/// The streams of one connection.
pub struct Handler {
    served: Vec<StreamProtocol>,
    opened: mpsc::UnboundedSender<Opened>,
    wishes: VecDeque<Open>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = Infallible;
    type InboundProtocol = AnyOf;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<AnyOf> {
        SubstreamProtocol::new(AnyOf(self.served.clone()), ())
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<ReadyUpgrade<StreamProtocol>, Reply, Infallible>> {
        let Some(wish) = self.wishes.pop_front() else { return Poll::Pending };
        let protocol = SubstreamProtocol::new(ReadyUpgrade::new(wish.protocol), wish.reply).with_timeout(NEGOTIATION);
        Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
    }

    fn on_behaviour_event(&mut self, wish: Open) {
        self.wishes.push_back(wish);
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, AnyOf, ReadyUpgrade<StreamProtocol>, (), Reply>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) => {
                let _ = self.opened.unbounded_send(protocol);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                let _ = info.send(Ok(protocol));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                let _ = info.send(Err(error.to_string()));
            }
            _ => {}
        }
    }
}

/// Accepts a stream of any of these protocols, and says which.
pub struct AnyOf(Vec<StreamProtocol>);

impl UpgradeInfo for AnyOf {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.clone().into_iter()
    }
}

impl InboundUpgrade<Stream> for AnyOf {
    type Output = Opened;
    type Error = Infallible;
    type Future = Ready<Result<Opened, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((protocol, stream)))
    }
}

/// Longest until both sides agree on the protocol of a stream.
const NEGOTIATION: Duration = Duration::from_secs(10);
