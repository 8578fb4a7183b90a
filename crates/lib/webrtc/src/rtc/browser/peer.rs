//! One `RTCPeerConnection`: descriptions and candidates in, candidates, data channels and changes of state out.
//!
//! A hostile peer could open channels without end: beyond the bound they are closed as they come.

use super::channel::Channel;
use crate::{Config, Error, IceServer, rtc::Heard, signaling::Description};
use futures::{Stream, channel::mpsc};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Event, RtcConfiguration, RtcDataChannel, RtcDataChannelEvent, RtcIceServer, RtcPeerConnection,
    RtcPeerConnectionIceEvent, RtcPeerConnectionState, RtcSdpType, RtcSessionDescriptionInit,
};

/// Whether this thread has WebRTC.
pub fn is_available() -> bool {
    js_sys::Reflect::has(&js_sys::global(), &"RTCPeerConnection".into()).unwrap_or(false)
}

/// An `RTCPeerConnection`, closed when dropped.
pub(super) struct Peer {
    rtc: RtcPeerConnection,
    shared: Rc<RefCell<Shared>>,
    bounds: Bounds,
    /// The channel that makes the first offer have something to connect, kept for as long as its id must not be used again.
    init: Option<RtcDataChannel>,
    _on_channel: Closure<dyn FnMut(RtcDataChannelEvent)>,
    _on_candidate: Closure<dyn FnMut(RtcPeerConnectionIceEvent)>,
    on_state: Closure<dyn FnMut(Event)>,
}

/// What every channel of a connection needs to know.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) most_unread: usize,
    pub(super) unread: Unread,
    pub(super) heard: Heard,
}

/// Bytes that wait to be read on all channels of a connection.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    bytes: Rc<Cell<usize>>,
    most: usize,
}

impl Unread {
    /// Counts `bytes` in, if there is room for them.
    pub(super) fn charge(&self, bytes: usize) -> bool {
        let sum = self.bytes.get() + bytes;
        let fits = sum <= self.most;
        if fits {
            self.bytes.set(sum);
        }
        fits
    }

    /// Counts `bytes` out.
    pub(super) fn release(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_sub(bytes));
    }
}

#[derive(Default)]
struct Shared {
    incoming: VecDeque<Rc<Channel>>,
    /// Those that the remote opened and that may still be open.
    remote: Vec<Weak<Channel>>,
    /// Those that this side did.
    own: Vec<Weak<Channel>>,
    init: Option<RtcDataChannel>,
    accepting: Option<Waker>,
    watching: Vec<Waker>,
}

impl Peer {
    /// A new one, and the candidates it finds, as JSON.
    pub(super) fn new(config: &Config) -> Result<(Self, impl Stream<Item = String> + use<>), Error> {
        if !is_available() {
            return Err(Error::Unsupported);
        }
        let rtc = RtcPeerConnection::new_with_configuration(&configuration(&config.ice_servers)).map_err(refused)?;
        let shared = Rc::<RefCell<Shared>>::default();
        let unread = Unread { bytes: Rc::default(), most: config.most_unread_in_all };
        let bounds = Bounds { most_unread: config.most_unread, unread, heard: Heard::default() };

        let on_channel = Closure::<dyn FnMut(RtcDataChannelEvent)>::new({
            let (shared, bounds, most) = (Rc::clone(&shared), bounds.clone(), config.most_inbound_streams);
            // The channel gets its handlers here, before anything else runs, so that no message is missed.
            move |event: RtcDataChannelEvent| shared.borrow_mut().opened(event.channel(), most, &bounds)
        });
        rtc.set_ondatachannel(Some(on_channel.as_ref().unchecked_ref()));

        let (found, candidates) = mpsc::unbounded();
        let on_candidate =
            Closure::<dyn FnMut(RtcPeerConnectionIceEvent)>::new(move |event: RtcPeerConnectionIceEvent| {
                // Their end, which is null or empty, is not said: some readers take it for a broken candidate.
                let candidate = event.candidate().filter(|candidate| !candidate.candidate().is_empty());
                if let Some(json) = candidate.and_then(|candidate| js_sys::JSON::stringify(&candidate).ok()) {
                    // Nobody listens once the connection is made.
                    let _ = found.unbounded_send(json.into());
                }
            });
        rtc.set_onicecandidate(Some(on_candidate.as_ref().unchecked_ref()));

        let on_state = Closure::<dyn FnMut(Event)>::new({
            let shared = Rc::clone(&shared);
            move |_: Event| shared.borrow_mut().watching.drain(..).for_each(Waker::wake)
        });
        rtc.set_onconnectionstatechange(Some(on_state.as_ref().unchecked_ref()));
        let peer =
            Self { rtc, shared, bounds, init: None, _on_channel: on_channel, _on_candidate: on_candidate, on_state };
        Ok((peer, candidates))
    }

    /// Makes a description. An offer needs a channel to be about.
    pub(super) async fn create(&mut self, description: Description) -> Result<String, Error> {
        let made = match description {
            Description::Offer => {
                self.init = Some(self.create_channel(INIT)?);
                self.rtc.create_offer()
            }
            Description::Answer => self.rtc.create_answer(),
        };
        let made = JsFuture::from(made).await.map_err(refused)?;
        let sdp = js_sys::Reflect::get(&made, &"sdp".into()).ok().and_then(|sdp| sdp.as_string());
        sdp.ok_or_else(|| Error::Js { reason: "a description without text".into() })
    }

    pub(super) async fn set_local(&self, description: Description, sdp: &str) -> Result<(), Error> {
        JsFuture::from(self.rtc.set_local_description(&described(description, sdp))).await.map_err(refused)?;
        self.watch_sctp();
        Ok(())
    }

    pub(super) async fn set_remote(&self, description: Description, sdp: &str) -> Result<(), Error> {
        JsFuture::from(self.rtc.set_remote_description(&described(description, sdp))).await.map_err(refused)?;
        self.watch_sctp();
        Ok(())
    }

    pub(super) async fn add_candidate(&self, json: &str) -> Result<(), Error> {
        let candidate = js_sys::JSON::parse(json).map_err(refused)?;
        // Others send null or an empty text at the end.
        if candidate.is_object() {
            let candidate = Some(candidate.unchecked_ref());
            JsFuture::from(self.rtc.add_ice_candidate_with_opt_rtc_ice_candidate_init(candidate))
                .await
                .map_err(refused)?;
        }
        Ok(())
    }

    /// A data channel that does not throw.
    fn create_channel(&self, label: &str) -> Result<RtcDataChannel, Error> {
        self.rtc.unchecked_ref::<Checked>().create_data_channel(label).map_err(refused)
    }

    /// Opens a stream.
    pub(super) fn open(&self) -> Result<Rc<Channel>, Error> {
        let channel = Channel::new(self.create_channel("")?, &self.bounds);
        let own = &mut self.shared.borrow_mut().own;
        own.retain(|channel| channel.strong_count() > 0);
        own.push(Rc::downgrade(&channel));
        Ok(channel)
    }

    /// Whether the channel of the first offer is held, whose id counts like that of a stream; gives it away.
    pub(super) fn take_init(&mut self) -> Option<Rc<Channel>> {
        self.init.take().map(|channel| Channel::new(channel, &self.bounds))
    }

    /// The next stream of the remote.
    pub(super) fn poll_incoming(&self, context: &mut Context<'_>) -> Poll<Rc<Channel>> {
        let mut shared = self.shared.borrow_mut();
        match shared.incoming.pop_front() {
            Some(channel) => Poll::Ready(channel),
            None => {
                shared.accepting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The state now; wakes at the next change.
    pub(super) fn poll_state(&self, context: &mut Context<'_>) -> State {
        let state = self.state();
        let mut shared = self.shared.borrow_mut();
        if !shared.watching.iter().any(|waker| waker.will_wake(context.waker())) {
            shared.watching.push(context.waker().clone());
        }
        state
    }

    pub(super) fn state(&self) -> State {
        // The transport under the channels knows first that the remote has closed.
        if self.sctp().is_some_and(|sctp| sctp.state() == "closed") {
            return State::Closed;
        }
        match self.rtc.connection_state() {
            RtcPeerConnectionState::Connected => State::Connected,
            RtcPeerConnectionState::Disconnected => State::Disconnected,
            RtcPeerConnectionState::Failed => State::Failed,
            RtcPeerConnectionState::Closed => State::Closed,
            _ => State::Connecting,
        }
    }

    pub(super) fn heard(&self) -> Heard {
        self.bounds.heard.clone()
    }

    /// Ends it. The browser tells the channels of this side nothing then.
    pub(super) fn close(&self) {
        self.rtc.close();
        let shared = std::mem::take(&mut *self.shared.borrow_mut());
        let channels = shared.remote.iter().chain(&shared.own);
        channels.filter_map(Weak::upgrade).for_each(|channel| channel.on_closed());
        shared.accepting.into_iter().chain(shared.watching).for_each(Waker::wake);
    }

    fn sctp(&self) -> Option<Sctp> {
        self.rtc.unchecked_ref::<Checked>().sctp()
    }

    fn watch_sctp(&self) {
        if let Some(sctp) = self.sctp() {
            sctp.set_onstatechange(Some(self.on_state.as_ref().unchecked_ref()));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.rtc.set_ondatachannel(None);
        self.rtc.set_onicecandidate(None);
        self.rtc.set_onconnectionstatechange(None);
        if let Some(sctp) = self.sctp() {
            sctp.set_onstatechange(None);
        }
        self.close();
    }
}

impl Shared {
    fn opened(&mut self, channel: RtcDataChannel, most: usize, bounds: &Bounds) {
        if channel.label() == INIT {
            // Never a stream. Whoever opened it closes it; closed here it would free its id too early.
            match self.init {
                None => self.init = Some(channel),
                Some(_) => channel.close(),
            }
            return;
        }
        self.remote.retain(|channel| channel.upgrade().is_some_and(|channel| !channel.is_closed()));
        if self.remote.len() >= most {
            tracing::debug!(most, "the remote opened too many streams");
            channel.close();
            return;
        }
        let channel = Channel::new(channel, bounds);
        self.remote.push(Rc::downgrade(&channel));
        self.incoming.push_back(channel);
        if let Some(waker) = self.accepting.take() {
            waker.wake();
        }
    }
}

/// `RTCPeerConnection.connectionState`, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    Connected,
    /// The remote has been silent for some seconds and may come back.
    Disconnected,
    Failed,
    Closed,
}

/// What a browser says when it refuses something.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
pub(super) fn refused(value: JsValue) -> Error {
    let error = value.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    Error::Js { reason: error.unwrap_or_else(|| format!("{value:?}")) }
}

fn described(description: Description, sdp: &str) -> RtcSessionDescriptionInit {
    let kind = match description {
        Description::Offer => RtcSdpType::Offer,
        Description::Answer => RtcSdpType::Answer,
    };
    let init = RtcSessionDescriptionInit::new(kind);
    init.set_sdp(sdp);
    init
}

fn configuration(servers: &[IceServer]) -> RtcConfiguration {
    let configuration = RtcConfiguration::new();
    let server = |server: &IceServer| {
        let entry = RtcIceServer::new();
        entry.set_urls(&server.urls.iter().map(|url| JsValue::from_str(url)).collect::<js_sys::Array>());
        if let Some(username) = &server.username {
            entry.set_username(username);
        }
        if let Some(credential) = &server.credential {
            entry.set_credential(credential);
        }
        entry
    };
    configuration.set_ice_servers(&servers.iter().map(server).collect::<js_sys::Array>());
    configuration
}

/// The label of the channel that the first offer is about.
const INIT: &str = "init";

#[wasm_bindgen]
extern "C" {
    /// `RTCPeerConnection`, with what throws caught and what web-sys lacks.
    #[wasm_bindgen(js_name = RTCPeerConnection)]
    type Checked;

    #[wasm_bindgen(catch, method, js_name = createDataChannel)]
    fn create_data_channel(this: &Checked, label: &str) -> Result<RtcDataChannel, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn sctp(this: &Checked) -> Option<Sctp>;

    /// `RTCSctpTransport`.
    #[wasm_bindgen(js_name = RTCSctpTransport)]
    type Sctp;

    #[wasm_bindgen(method, getter)]
    fn state(this: &Sctp) -> String;

    #[wasm_bindgen(method, setter)]
    fn set_onstatechange(this: &Sctp, handler: Option<&js_sys::Function>);
}
