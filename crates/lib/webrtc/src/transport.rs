//! The transport: hands dials to the behaviour, which alone can use connections, and gives the swarm what comes back.

use crate::{
    Behaviour, Config, Connection, Error,
    address::{Target, advertised, inbound, is_listener},
};
use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    future::{BoxFuture, Either, Ready, ready, select},
};
use futures_timer::Delay;
use libp2p_core::{
    Multiaddr,
    transport::{DialOpts, ListenerId, TransportError, TransportEvent},
};
use libp2p_identity::PeerId;
use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// A transport and the behaviour it works with, as with `libp2p::relay::client::new`. Put the transport before that of the relay client,
/// which takes addresses of `/webrtc` for its own.
pub fn new(local: PeerId, config: Config) -> (Transport, Behaviour) {
    let (dials, dialled) = mpsc::channel(config.most_negotiating);
    let (reports, reported) = mpsc::unbounded();
    let transport = Transport {
        local,
        timeout: config.timeout,
        dials,
        reported,
        listener: None,
        circuits: Vec::new(),
        events: VecDeque::new(),
        waker: None,
    };
    (transport, Behaviour::new(local, config, dialled, reports))
}

/// Connections from browser to browser. Its output is authenticated and has its own streams: upgrade it with nothing.
pub struct Transport {
    local: PeerId,
    timeout: Duration,
    dials: mpsc::Sender<Dial>,
    reported: mpsc::UnboundedReceiver<Report>,
    listener: Option<ListenerId>,
    /// Reserved circuits, under which this side can be reached.
    circuits: Vec<Multiaddr>,
    events: VecDeque<Happening>,
    waker: Option<Waker>,
}

/// A dial on its way to the behaviour.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) target: Target,
    pub(crate) reply: oneshot::Sender<Result<Connection, Error>>,
}

/// What the behaviour tells its transport.
#[derive(Debug)]
pub(crate) enum Report {
    /// A connection that `peer` made.
    Incoming(PeerId, Connection),
    /// A circuit was reserved.
    Circuit(Multiaddr),
    /// A circuit ended.
    CircuitGone(Multiaddr),
}

type Happening = TransportEvent<Ready<Result<(PeerId, Connection), Error>>, Error>;

impl Transport {
    fn hear(&mut self, report: Report) {
        let Some(listener_id) = self.listener else {
            match report {
                Report::Circuit(circuit) => self.circuits.push(circuit),
                Report::CircuitGone(circuit) => self.circuits.retain(|known| *known != circuit),
                // Nobody listens.
                Report::Incoming(..) => {}
            }
            return;
        };
        match report {
            Report::Incoming(peer, connection) => self.events.push_back(TransportEvent::Incoming {
                listener_id,
                upgrade: ready(Ok((peer, connection))),
                local_addr: self
                    .circuits
                    .first()
                    .map_or_else(Multiaddr::empty, |circuit| advertised(circuit, self.local)),
                send_back_addr: inbound(peer),
            }),
            Report::Circuit(circuit) => {
                let listen_addr = advertised(&circuit, self.local);
                self.events.push_back(TransportEvent::NewAddress { listener_id, listen_addr });
                self.circuits.push(circuit);
            }
            Report::CircuitGone(circuit) => {
                let listen_addr = advertised(&circuit, self.local);
                self.events.push_back(TransportEvent::AddressExpired { listener_id, listen_addr });
                self.circuits.retain(|known| *known != circuit);
            }
        }
    }
}

impl libp2p_core::Transport for Transport {
    type Output = (PeerId, Connection);
    type Error = Error;
    type ListenerUpgrade = Ready<Result<Self::Output, Error>>;
    type Dial = BoxFuture<'static, Result<Self::Output, Error>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<Error>> {
        if !is_listener(&address) || self.listener.is_some() {
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        self.listener = Some(id);
        let new =
            |circuit| TransportEvent::NewAddress { listener_id: id, listen_addr: advertised(circuit, self.local) };
        self.events.extend(self.circuits.iter().map(new));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let found = self.listener == Some(id);
        if found {
            self.listener = None;
            self.events.push_back(TransportEvent::ListenerClosed { listener_id: id, reason: Ok(()) });
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
        found
    }

    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> Result<Self::Dial, TransportError<Error>> {
        // A dial in the role of a listener is for hole punching, which ICE does by itself.
        let target = if options.role.is_listener() { None } else { Target::parse(&address) };
        let Some(target) = target else { return Err(TransportError::MultiaddrNotSupported(address)) };
        let peer = target.peer;
        let (reply, connection) = oneshot::channel();
        if let Err(error) = self.dials.try_send(Dial { target, reply }) {
            let error = if error.is_full() { Error::Busy } else { Error::Cancelled };
            return Err(TransportError::Other(error));
        }
        let after = self.timeout;
        let dial = async move {
            // Dropped at the deadline, `connection` tells the behaviour that nobody waits.
            match select(connection, Delay::new(after)).await {
                Either::Left((Ok(connection), _)) => Ok((peer, connection?)),
                Either::Left((Err(_), _)) => Err(Error::Cancelled),
                Either::Right(((), _)) => Err(Error::Timeout { after }),
            }
        };
        Ok(dial.boxed())
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Happening> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(event);
            }
            match self.reported.poll_next_unpin(context) {
                Poll::Ready(Some(report)) => self.hear(report),
                Poll::Ready(None) | Poll::Pending => {
                    self.waker = Some(context.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }
}
