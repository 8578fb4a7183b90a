//! A connection: streams in and out, channels that linger after their streams, and the end.

use super::{
    channel::{Channel, Stream},
    peer::{Peer, State},
};
use crate::{Error, rtc::Heard, stream::Ids};
use futures::FutureExt;
use futures_timer::Delay;
use libp2p_core::muxing::{StreamMuxer, StreamMuxerEvent};
use send_wrapper::SendWrapper;
use std::{
    cell::RefCell,
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use web_time::Instant;

/// A direct connection with another browser.
pub struct Connection(SendWrapper<Inner>);

struct Inner {
    peer: Peer,
    lingering: Lingering,
    /// Until when the remote may stay silent.
    patience: Option<Delay>,
    disconnected: Duration,
    closed: bool,
}

impl Connection {
    pub(super) fn new(mut peer: Peer, disconnected: Duration) -> Self {
        let lingering = Lingering::default();
        if let Some(init) = peer.take_init() {
            lingering.keep_init(init);
        }
        Self(SendWrapper::new(Inner { peer, lingering, patience: None, disconnected, closed: false }))
    }

    pub(crate) fn heard(&self) -> Heard {
        self.0.peer.heard()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("state", &self.0.peer.state()).finish_non_exhaustive()
    }
}

impl Inner {
    fn open(&self) -> Result<(), Error> {
        match self.peer.state() {
            _ if self.closed => Err(Error::Closed),
            State::Closed => Err(Error::Closed),
            State::Failed => Err(Error::IceFailed),
            State::Connecting | State::Connected | State::Disconnected => Ok(()),
        }
    }
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = Error;

    fn poll_inbound(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        let inner = &*self.0;
        inner.open()?;
        inner.peer.poll_incoming(context).map(|channel| Ok(Stream::new(channel, inner.lingering.clone(), false)))
    }

    fn poll_outbound(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        let inner = &*self.0;
        inner.open()?;
        if !inner.lingering.may_open(context) {
            return Poll::Pending;
        }
        let channel = inner.peer.open()?;
        inner.lingering.opened();
        Poll::Ready(Ok(Stream::new(channel, inner.lingering.clone(), true)))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.closed = true;
        self.0.peer.close();
        Poll::Ready(Ok(()))
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Error>> {
        let inner = &mut *self.0;
        inner.open()?;
        if inner.lingering.poll(context) {
            return Poll::Ready(Err(Error::Stuck));
        }
        if inner.peer.poll_state(context) == State::Disconnected {
            let patience = inner.patience.get_or_insert_with(|| Delay::new(inner.disconnected));
            if patience.poll_unpin(context).is_ready() {
                return Poll::Ready(Err(Error::Silent));
            }
        } else {
            inner.patience = None;
        }
        Poll::Pending
    }
}

/// Channels whose streams are gone, shared by a connection and its streams.
#[derive(Clone, Default)]
pub(super) struct Lingering(Rc<RefCell<Channels>>);

#[derive(Default)]
struct Channels {
    ids: Ids,
    /// The remote has still to acknowledge what was said on them, or to close them; each with its deadline.
    waiting: Vec<(Rc<Channel>, bool, Delay)>,
    /// Finished ones of this side.
    finished: Vec<Rc<Channel>>,
    closing: Vec<Rc<Channel>>,
    alarm: Option<(Instant, Delay)>,
    poller: Option<Waker>,
    opener: Option<Waker>,
}

impl Lingering {
    /// Keeps the channel of a stream that nobody holds any more.
    pub(super) fn keep(&self, channel: Rc<Channel>, own: bool) {
        let limit = if own { ACKNOWLEDGED } else { CLOSED };
        self.add(channel, own, limit);
    }

    /// Keeps the channel that the offer was about.
    fn keep_init(&self, channel: Rc<Channel>) {
        self.opened();
        self.add(channel, true, Duration::ZERO);
    }

    fn add(&self, channel: Rc<Channel>, own: bool, limit: Duration) {
        let mut channels = self.0.borrow_mut();
        channels.waiting.push((channel, own, Delay::new(limit)));
        if let Some(waker) = channels.poller.take() {
            waker.wake();
        }
    }

    fn opened(&self) {
        self.0.borrow_mut().ids.opened();
    }

    fn may_open(&self, context: &mut Context<'_>) -> bool {
        let mut channels = self.0.borrow_mut();
        let may = channels.ids.may_open();
        if !may {
            channels.opener = Some(context.waker().clone());
        }
        may
    }

    /// Closes what is due; says whether that does not work any more.
    fn poll(&self, context: &mut Context<'_>) -> bool {
        let (mut channels, now) = (self.0.borrow_mut(), Instant::now());
        channels.poller = Some(context.waker().clone());
        channels.poll(context, now);
        if channels.ids.may_open()
            && let Some(waker) = channels.opener.take()
        {
            waker.wake();
        }
        channels.ids.is_stuck(now)
    }
}

impl Channels {
    fn poll(&mut self, context: &mut Context<'_>, now: Instant) {
        let Self { ids, waiting, finished, closing, .. } = self;
        waiting.retain_mut(|(channel, own, limit)| {
            let closed = channel.poll_closed(context);
            // The side that did not open a channel leaves closing it to the other, for a while.
            let over = closed || (*own && channel.poll_settled(context)) || limit.poll_unpin(context).is_ready();
            if over && *own {
                if closed {
                    ids.lost();
                } else {
                    ids.finished(now);
                    finished.push(Rc::clone(channel));
                }
            }
            !over
        });
        if ids.should_close(now) {
            closing.append(finished);
            closing.iter().for_each(|channel| channel.close());
        }
        closing.retain(|channel| {
            let closed = channel.poll_closed(context);
            if closed {
                ids.closed(now);
            }
            !closed
        });
        self.set_alarm(context, now);
    }

    fn set_alarm(&mut self, context: &mut Context<'_>, now: Instant) {
        let Some(at) = self.ids.wake_at() else { return };
        if self.alarm.as_ref().is_none_or(|(set, _)| *set != at) {
            self.alarm = Some((at, Delay::new(at.saturating_duration_since(now))));
        }
        if let Some((_, delay)) = &mut self.alarm
            && delay.poll_unpin(context).is_ready()
        {
            self.alarm = None;
            context.waker().wake_by_ref();
        }
    }
}

/// Longest wait for FIN_ACK, as in js-libp2p.
const ACKNOWLEDGED: Duration = Duration::from_secs(10);
/// Longest wait for the opener to close a channel. One that keeps finished channels closes them after 10 s without a new one.
const CLOSED: Duration = Duration::from_secs(120);
