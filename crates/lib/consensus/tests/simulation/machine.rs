//! The machine that a node runs on: a runtime of its own over that of the simulation, with a clock that can be moved and a disk
//! that can be full.
//!
//! A node whose disk refuses may stop in good order, or a part of it may panic, as the engine's storage does. On a machine that
//! ends the process; here it ends the tasks of this machine and no others. A panic over anything else is a failure of the
//! simulation, as everywhere.

use commonware_runtime::deterministic::Context;
use commonware_runtime::telemetry::metrics::{Metric, Registered};
use commonware_runtime::{
    Blob, BlobVersion, Clock, Error, Handle, IoBufs, IoBufsMut, Metrics, Name, ReadOptions, Spawner, Storage,
    Supervisor, WriteOptions, signal,
};
use futures::future::{Future, poll_fn};
use rand_core::{TryCryptoRng, TryRng};
use std::any::Any;
use std::convert::Infallible;
use std::io;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, SystemTime};

/// What can be done to a machine. Clones are of one machine.
#[derive(Clone, Debug, Default)]
pub struct Hardware(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    /// How far its clock is ahead, ms.
    ahead: AtomicI64,
    full: AtomicBool,
    /// Writes that were refused since the node started.
    refused: AtomicU64,
    died: AtomicBool,
}

impl Hardware {
    /// Moves the clock: so many ms ahead of the true time.
    pub fn clock(&self, ahead: i64) {
        self.0.ahead.store(ahead, Ordering::Relaxed);
    }

    /// Fills the disk, or makes room.
    pub fn fill(&self, full: bool) {
        self.0.full.store(full, Ordering::Relaxed);
    }

    /// Whether writes are refused now.
    pub fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Writes that were refused since the node started.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Whether the node panicked since it started.
    pub fn died(&self) -> bool {
        self.0.died.load(Ordering::Relaxed)
    }

    /// A node starts.
    pub fn boot(&self) {
        self.0.refused.store(0, Ordering::Relaxed);
        self.0.died.store(false, Ordering::Relaxed);
    }

    /// An error, where the disk is full.
    pub fn room(&self) -> io::Result<()> {
        if !self.is_full() {
            return Ok(());
        }
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        Err(io::Error::new(io::ErrorKind::StorageFull, NO_ROOM))
    }

    /// What its clock shows when it is truly `time`.
    fn shows(&self, time: SystemTime) -> SystemTime {
        let ahead = self.0.ahead.load(Ordering::Relaxed);
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { time - by } else { time + by }
    }

    /// Runs a task for as long as the machine does.
    async fn live<T>(self, task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        poll_fn(move |context| {
            if self.died() {
                return Poll::Pending;
            }
            match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context))) {
                Ok(poll) => poll,
                Err(panic) if self.refused() > 0 && of_the_disk(says(&*panic)) => {
                    self.0.died.store(true, Ordering::Relaxed);
                    Poll::Pending
                }
                Err(panic) => resume_unwind(panic),
            }
        })
        .await
    }
}

/// What a full disk says.
const NO_ROOM: &str = "no room on the disk";

/// Whether a panic is over the disk: the engine's archives do not say why they cannot be opened.
pub fn of_the_disk(panic: &str) -> bool {
    panic.contains(NO_ROOM) || panic.contains("failed to initialize")
}

/// The words of a panic.
fn says(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

/// The runtime of one machine.
pub struct Machine {
    inner: Context,
    hardware: Hardware,
}

impl Machine {
    pub const fn new(inner: Context, hardware: Hardware) -> Self {
        Self { inner, hardware }
    }

    fn with(&self, inner: Context) -> Self {
        Self { inner, hardware: self.hardware.clone() }
    }
}

impl Supervisor for Machine {
    fn name(&self) -> Name {
        self.inner.name()
    }

    fn child(&self, label: &'static str) -> Self {
        self.with(self.inner.child(label))
    }

    fn with_attribute(self, key: &'static str, value: impl std::fmt::Display) -> Self {
        Self { inner: self.inner.with_attribute(key, value), hardware: self.hardware }
    }
}

impl Spawner for Machine {
    fn shared(self, blocking: bool) -> Self {
        Self { inner: self.inner.shared(blocking), hardware: self.hardware }
    }

    fn dedicated(self) -> Self {
        Self { inner: self.inner.dedicated(), hardware: self.hardware }
    }

    fn spawn<F, Fut, T>(self, f: F) -> Handle<T>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let hardware = self.hardware;
        self.inner.spawn(move |inner| {
            let machine = Self { inner, hardware: hardware.clone() };
            hardware.live(f(machine))
        })
    }

    async fn stop(self, value: i32, timeout: Option<Duration>) -> Result<(), Error> {
        self.inner.stop(value, timeout).await
    }

    fn stopped(&self) -> signal::Signal {
        self.inner.stopped()
    }
}

impl Metrics for Machine {
    fn register<N: Into<String>, H: Into<String>, M: Metric>(&self, name: N, help: H, metric: M) -> Registered<M> {
        self.inner.register(name, help, metric)
    }

    fn encode(&self) -> String {
        self.inner.encode()
    }
}

impl governor::clock::Clock for Machine {
    type Instant = SystemTime;

    fn now(&self) -> SystemTime {
        self.current()
    }
}

impl governor::clock::ReasonablyRealtime for Machine {}

/// Longer than anything lasts here: a deadline at the end of time is further away for a clock that is behind.
const EVER: Duration = Duration::from_secs(1 << 32);

impl Clock for Machine {
    fn current(&self) -> SystemTime {
        self.hardware.shows(self.inner.current())
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.inner.sleep(duration)
    }

    /// As on machines: for as long as the clock says at the beginning, whatever becomes of it meanwhile.
    fn sleep_until(&self, deadline: SystemTime) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.inner.sleep(deadline.duration_since(self.current()).unwrap_or_default().min(EVER))
    }
}

impl TryRng for Machine {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.inner.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.inner.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.inner.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Machine {}

impl Storage for Machine {
    type Blob = File;

    async fn open_versioned(
        &self,
        partition: &str,
        name: &[u8],
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(File, u64, BlobVersion), Error> {
        if self.hardware.is_full() {
            // What is there can be opened, nothing can be made.
            let there = self.inner.scan(partition).await.is_ok_and(|names| names.iter().any(|there| there == name));
            if !there {
                self.hardware.room()?;
            }
        }
        let (inner, size, version) = self.inner.open_versioned(partition, name, versions).await?;
        Ok((File { inner, hardware: self.hardware.clone() }, size, version))
    }

    async fn remove(&self, partition: &str, name: Option<&[u8]>) -> Result<(), Error> {
        self.inner.remove(partition, name).await
    }

    async fn scan(&self, partition: &str) -> Result<Vec<Vec<u8>>, Error> {
        self.inner.scan(partition).await
    }
}

/// A file on its disk.
pub struct File {
    inner: <Context as Storage>::Blob,
    hardware: Hardware,
}

impl Blob for File {
    async fn read_at_buf(
        &self,
        offset: u64,
        len: usize,
        bufs: impl Into<IoBufsMut> + Send,
        options: ReadOptions,
    ) -> Result<IoBufsMut, Error> {
        self.inner.read_at_buf(offset, len, bufs, options).await
    }

    async fn read_at(&self, offset: u64, len: usize, options: ReadOptions) -> Result<IoBufsMut, Error> {
        self.inner.read_at(offset, len, options).await
    }

    async fn write_at(&self, offset: u64, bufs: impl Into<IoBufs> + Send, options: WriteOptions) -> Result<(), Error> {
        self.hardware.room()?;
        self.inner.write_at(offset, bufs, options).await
    }

    async fn resize(&self, len: u64) -> Result<(), Error> {
        self.hardware.room()?;
        self.inner.resize(len).await
    }

    async fn sync(&self) -> Result<(), Error> {
        self.inner.sync().await
    }

    async fn start_sync(&self) -> Handle<()> {
        self.inner.start_sync().await
    }
}
