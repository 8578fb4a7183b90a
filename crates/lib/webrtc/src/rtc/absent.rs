//! No WebRTC here: a connection cannot exist.

use crate::{Config, Error, signaling::Role};
use futures::{AsyncRead, AsyncWrite, FutureExt, future::BoxFuture};
use libp2p_core::muxing::{StreamMuxer, StreamMuxerEvent};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// A direct connection, of which there are none here.
#[derive(Debug)]
pub enum Connection {}

/// A stream of a direct connection.
#[derive(Debug)]
pub enum Stream {}

pub(crate) type Negotiation = BoxFuture<'static, Result<Connection, Error>>;

impl Connection {
    pub(crate) fn heard(&self) -> super::Heard {
        match *self {}
    }
}

/// Whether this thread has WebRTC.
pub fn is_available() -> bool {
    false
}

pub(crate) fn negotiate(_: libp2p_swarm::Stream, _: Role, _: &Config) -> Negotiation {
    async { Err(Error::Unsupported) }.boxed()
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = Error;

    fn poll_inbound(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        match *self {}
    }

    fn poll_outbound(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<Stream, Error>> {
        match *self {}
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match *self {}
    }

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Error>> {
        match *self {}
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}
