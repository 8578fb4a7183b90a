//! Other peers, through the page: an ask is an event, its reply a command.
//!
//! Replies are other peers' bytes: they are parsed here, once, and what does not parse blames the peer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use async_trait::async_trait;
use futures::channel::oneshot;
use js_sys::{Function, Promise};
use peer::{Mesh, Neighbour, Unanswered};
use protocol::exchange::{Answer, Ask, Gradient, Modalities, Request, Response};
use protocol::limits;
use protocol::port::trainer::{Event, Near};
use serde_bytes::ByteBuf;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

use crate::port::post;

/// The page's neighbours, and the asks that wait for a reply.
#[derive(Clone, Default)]
pub(crate) struct Page {
    inner: Rc<Inner>,
}

/// Bytes of a response, or why there are none.
type Reply = Result<Vec<u8>, String>;

#[derive(Default)]
struct Inner {
    neighbours: RefCell<Vec<Neighbour>>,
    waiting: RefCell<HashMap<u32, oneshot::Sender<Reply>>>,
    next: Cell<u32>,
}

impl Page {
    /// Replaces the neighbours. One that represents what this version does not know is none.
    pub(crate) fn set_neighbours(&self, neighbours: Vec<Near>) {
        let neighbour = |Near { peer, key, modalities, price }| {
            Some(Neighbour { peer, key, modalities: Modalities::from_bits(modalities).ok()?, price })
        };
        let neighbours = neighbours.into_iter().take(limits::CONNECTIONS);
        *self.inner.neighbours.borrow_mut() = neighbours.filter_map(neighbour).collect();
    }

    /// A reply came, or the reason why none does. One that nobody waits for is dropped.
    pub(crate) fn resolve(&self, id: u32, reply: Reply) {
        if let Some(waiting) = self.inner.waiting.borrow_mut().remove(&id) {
            drop(waiting.send(reply));
        }
    }

    async fn request(&self, peer: &str, request: Request) -> Result<Response, Unanswered> {
        let id = self.inner.next.get();
        self.inner.next.set(id.wrapping_add(1));
        let (reply, replied) = oneshot::channel();
        self.inner.waiting.borrow_mut().insert(id, reply);
        let _waits = Waits { page: self, id };
        post(&Event::Ask { id, peer: peer.to_owned(), bytes: ByteBuf::from(request.to_bytes()) });
        let reply = replied.await.map_err(|_| Unanswered::Gone("the page dropped it".into()))?;
        let bytes = reply.map_err(Unanswered::Gone)?;
        Response::from_bytes(&bytes).map_err(|error| Unanswered::Unreadable(error.to_string()))
    }
}

/// Forgets the ask when its future is dropped.
struct Waits<'a> {
    page: &'a Page,
    id: u32,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.page.inner.waiting.borrow_mut().remove(&self.id);
    }
}

#[async_trait(?Send)]
impl Mesh for Page {
    fn neighbours(&self) -> Vec<Neighbour> {
        self.inner.neighbours.borrow().clone()
    }

    async fn ask(&self, peer: &str, ask: Ask) -> Result<Answer, Unanswered> {
        match self.request(peer, Request::Ask(ask)).await? {
            Response::Answer(answer) => Ok(answer),
            Response::Refuse(refuse) => Err(Unanswered::Refused(refuse)),
            Response::Hello(_) | Response::Applied | Response::Credit { .. } => {
                Err(Unanswered::Unreadable("no reply to an ask".into()))
            }
        }
    }

    async fn gradient(&self, peer: &str, gradient: Gradient) -> Result<(), Unanswered> {
        match self.request(peer, Request::Gradient(gradient)).await? {
            Response::Applied => Ok(()),
            Response::Refuse(refuse) => Err(Unanswered::Refused(refuse)),
            Response::Hello(_) | Response::Answer(_) | Response::Credit { .. } => {
                Err(Unanswered::Unreadable("no reply to a gradient".into()))
            }
        }
    }

    async fn breathe(&self) {
        breathe().await;
    }
}

/// Gives the event loop one turn: a message to oneself, which unlike a timer is not held back to 4 ms.
pub async fn breathe() {
    let Ok(channel) = MessageChannel::new() else { return };
    let turn = Promise::new(&mut |resolve: Function, _: Function| {
        channel.port1().set_onmessage(Some(&resolve));
        drop(channel.port2().post_message(&JsValue::NULL));
    });
    drop(JsFuture::from(turn).await);
    channel.port1().close();
}
