//! One `RTCDataChannel` and the stream over it.
//!
//! Writing waits while the channel holds [`HIGH`] bytes that are not sent, and goes on below [`LOW`]. Reading has no such brake: a
//! hostile sender could send without end, and one whose bytes nobody reads is reset once the bound is reached.

use super::{connection::Lingering, peer::Bounds};
use crate::stream::{Decoder, Flag, MAX_PAYLOAD, Readable, State, encode_flag, encode_payload};
use bytes::Bytes;
use futures::{AsyncRead, AsyncWrite, FutureExt, ready};
use futures_timer::Delay;
use send_wrapper::SendWrapper;
use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt, io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, MessageEvent, RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

/// A data channel with its handlers; closed when dropped.
pub(super) struct Channel {
    rtc: RtcDataChannel,
    bounds: Bounds,
    inner: RefCell<Inner>,
    handlers: RefCell<Option<Handlers>>,
}

struct Handlers {
    _message: Closure<dyn FnMut(MessageEvent)>,
    _writable: Closure<dyn FnMut(Event)>,
    _closed: Closure<dyn FnMut(Event)>,
}

#[derive(Default)]
struct Inner {
    state: State,
    decoder: Decoder,
    unread: VecDeque<Bytes>,
    /// What they count for.
    charged: usize,
    /// What is encoded last; its memory is used again.
    frame: Vec<u8>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Whoever waits for the channel to be of no more use.
    keeper: Option<Waker>,
    /// Until when a channel of the remote may call itself connecting.
    opening: Option<Delay>,
}

impl Inner {
    fn wake(&mut self) {
        let wakers = [self.reader.take(), self.writer.take(), self.keeper.take()];
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Channel {
    pub(super) fn new(rtc: RtcDataChannel, bounds: &Bounds) -> Rc<Self> {
        rtc.set_binary_type(RtcDataChannelType::Arraybuffer);
        rtc.set_buffered_amount_low_threshold(LOW);
        let channel =
            Rc::new(Self { rtc, bounds: bounds.clone(), inner: RefCell::default(), handlers: RefCell::default() });
        let weak = Rc::downgrade(&channel);
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(channel) = weak.upgrade() {
                channel.on_message(&event);
            }
        });
        let weak = Rc::downgrade(&channel);
        let writable = Closure::<dyn FnMut(Event)>::new(move |_: Event| {
            if let Some(waker) = weak.upgrade().and_then(|channel| channel.inner.borrow_mut().writer.take()) {
                waker.wake();
            }
        });
        let weak = Rc::downgrade(&channel);
        let closed = Closure::<dyn FnMut(Event)>::new(move |_: Event| {
            if let Some(channel) = weak.upgrade() {
                channel.on_closed();
            }
        });
        channel.rtc.set_onmessage(Some(message.as_ref().unchecked_ref()));
        channel.rtc.set_onopen(Some(writable.as_ref().unchecked_ref()));
        channel.rtc.set_onbufferedamountlow(Some(writable.as_ref().unchecked_ref()));
        channel.rtc.set_onclose(Some(closed.as_ref().unchecked_ref()));
        *channel.handlers.borrow_mut() = Some(Handlers { _message: message, _writable: writable, _closed: closed });
        channel
    }

    /// Whether neither side has any more use of it; wakes when it comes to that.
    pub(super) fn poll_settled(&self, context: &mut Context<'_>) -> bool {
        let mut inner = self.inner.borrow_mut();
        inner.keeper = Some(context.waker().clone());
        inner.state.is_settled()
    }

    /// Whether it is closed; wakes when it comes to that.
    pub(super) fn poll_closed(&self, context: &mut Context<'_>) -> bool {
        self.inner.borrow_mut().keeper = Some(context.waker().clone());
        self.is_closed()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.rtc.ready_state() == RtcDataChannelState::Closed
    }

    pub(super) fn close(&self) {
        self.rtc.close();
    }

    /// It is closed, or the connection under it.
    pub(super) fn on_closed(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.state.channel_closed();
        inner.wake();
    }

    fn on_message(&self, event: &MessageEvent) {
        self.bounds.heard.set();
        let data = event.data();
        let Some(buffer) = data.dyn_ref::<js_sys::ArrayBuffer>() else { return self.fail("a text, not bytes") };
        let mut inner = self.inner.borrow_mut();
        if inner.state.forgets() {
            return;
        }
        inner.decoder.push(js_sys::Uint8Array::new(buffer).to_vec().into());
        loop {
            let frame = match inner.decoder.frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    drop(inner);
                    return self.fail(&error.to_string());
                }
            };
            if !frame.payload.is_empty() && inner.state.keeps_payload() {
                let charge = frame.payload.len() + OVERHEAD;
                if inner.charged + charge > self.bounds.most_unread || !self.bounds.unread.charge(charge) {
                    drop(inner);
                    return self.fail("more than may wait to be read");
                }
                inner.charged += charge;
                inner.unread.push_back(frame.payload);
            }
            if let Some(answer) = frame.flag.and_then(|flag| inner.state.receive(flag)) {
                self.send_flag(answer);
            }
            if inner.state.forgets() {
                self.forget(&mut inner);
            }
        }
        inner.wake();
    }

    /// Drops what nobody will read.
    fn forget(&self, inner: &mut Inner) {
        inner.unread.clear();
        self.bounds.unread.release(std::mem::take(&mut inner.charged));
    }

    /// Gives the stream up because of what the remote did.
    fn fail(&self, reason: &str) {
        tracing::debug!(reason, "stream reset");
        let mut inner = self.inner.borrow_mut();
        let told = inner.state.fail();
        self.forget(&mut inner);
        inner.wake();
        drop(inner);
        if let Some(flag) = told {
            self.send_flag(flag);
        }
    }

    /// Tells the remote; nothing where the channel is closing, for then it is told by that.
    fn send_flag(&self, flag: Flag) {
        if self.rtc.ready_state() == RtcDataChannelState::Open {
            let _ = self.rtc.send_with_u8_array(&encode_flag(flag));
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.bounds.unread.release(self.inner.borrow().charged);
        self.rtc.set_onmessage(None);
        self.rtc.set_onopen(None);
        self.rtc.set_onbufferedamountlow(None);
        self.rtc.set_onclose(None);
        if !matches!(self.rtc.ready_state(), RtcDataChannelState::Closing | RtcDataChannelState::Closed) {
            self.rtc.close();
        }
    }
}

/// A stream of a direct connection.
///
/// Closing it sends FIN. Dropping it before that resets it; dropping it after that stops the remote from sending. Neither waits: what the
/// remote still has to acknowledge is waited for by the connection.
pub struct Stream(SendWrapper<Held>);

struct Held {
    channel: Rc<Channel>,
    lingering: Lingering,
    /// Whether this side has opened it, and so closes it.
    own: bool,
}

impl Stream {
    pub(super) fn new(channel: Rc<Channel>, lingering: Lingering, own: bool) -> Self {
        Self(SendWrapper::new(Held { channel, lingering, own }))
    }
}

impl Held {
    /// Waits until the channel is connected.
    ///
    /// One that the remote opened is so from the start. But Chromium calls about one in 100,000 connecting a moment later, and for ever,
    /// because older news of its state come after newer ones. It takes no bytes, and is closed, so that the remote does not wait in vain.
    fn poll_connected(&self, inner: &mut Inner, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let rtc = &self.channel.rtc;
        if rtc.ready_state() != RtcDataChannelState::Connecting {
            return Poll::Ready(Ok(()));
        }
        inner.writer = Some(context.waker().clone());
        if self.own {
            return Poll::Pending;
        }
        ready!(inner.opening.get_or_insert_with(|| Delay::new(OPENING)).poll_unpin(context));
        tracing::debug!("a channel of the remote takes no bytes");
        inner.state.channel_closed();
        rtc.close();
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stream").field("own", &self.0.own).finish_non_exhaustive()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.0.channel.inner.borrow_mut();
        let mut read = 0;
        while read < buffer.len() {
            let Some(front) = inner.unread.front_mut() else { break };
            let part = front.split_to(front.len().min(buffer.len() - read));
            let mut freed = part.len();
            if front.is_empty() {
                inner.unread.pop_front();
                freed += OVERHEAD;
            }
            inner.charged -= freed;
            self.0.channel.bounds.unread.release(freed);
            buffer[read..read + part.len()].copy_from_slice(&part);
            read += part.len();
        }
        if read > 0 || buffer.is_empty() {
            return Poll::Ready(Ok(read));
        }
        match inner.state.readable() {
            Readable::Eof => Poll::Ready(Ok(0)),
            Readable::Failed(kind) => Poll::Ready(Err(kind.into())),
            Readable::Later => {
                inner.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let channel = &self.0.channel;
        let mut inner = channel.inner.borrow_mut();
        inner.state.writable()?;
        ready!(self.0.poll_connected(&mut inner, context))?;
        if channel.rtc.ready_state() != RtcDataChannelState::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut buffered = channel.rtc.buffered_amount();
        let mut frame = std::mem::take(&mut inner.frame);
        let mut written = 0;
        for payload in bytes.chunks(MAX_PAYLOAD) {
            if buffered >= HIGH {
                break;
            }
            frame.clear();
            encode_payload(payload, &mut frame);
            if channel.rtc.send_with_u8_array(&frame).is_err() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            buffered = buffered.saturating_add(frame.len() as u32);
            written += payload.len();
        }
        inner.frame = frame;
        if written == 0 && !bytes.is_empty() {
            inner.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(written))
    }

    /// The browser sends what it holds without being asked.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let channel = &self.0.channel;
        let mut inner = channel.inner.borrow_mut();
        ready!(self.0.poll_connected(&mut inner, context))?;
        if let Some(flag) = inner.state.finish()? {
            channel.send_flag(flag);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Held { channel, lingering, own } = &*self.0;
        let mut inner = channel.inner.borrow_mut();
        let flag = inner.state.abandon();
        channel.forget(&mut inner);
        drop(inner);
        if let Some(flag) = flag {
            channel.send_flag(flag);
        }
        lingering.keep(Rc::clone(channel), *own);
    }
}

/// Bytes a channel may hold unsent: a tenth of a second at 10 MB/s.
const HIGH: u32 = 1 << 20;
/// What a payload that waits counts for besides its bytes.
const OVERHEAD: usize = 64;
/// How long a channel of the remote may call itself connecting.
const OPENING: Duration = Duration::from_secs(1);
/// Bytes below which it takes more.
const LOW: u32 = 256 << 10;
