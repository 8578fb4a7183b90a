//! The model, kept for the next visit: two files a source in the browser's private file system, written in turn, each a
//! frame of a number and the model. A crash while one is written leaves the other; the larger number that is whole counts.
//!
//! A page that was opened twice keeps the model of one tab only: the other has another identity and is told to keep
//! nothing, and a file that is open cannot be opened again. Whoever can use this browser can change the files: the model
//! refuses what does not fit it.

use opfs::{Fault, File, Folder, frames};

/// What is kept of the model of one source.
#[derive(Debug, Default)]
pub struct Keep {
    /// None: nothing is kept.
    files: Option<[File; 2]>,
    /// Why nothing is, where it was wanted.
    fault: Option<Fault>,
    /// Where the next goes.
    next: usize,
    /// Of the newest.
    number: u64,
}

/// What an earlier visit left.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The newest model that is whole.
    pub model: Option<Vec<u8>>,
    /// Why there is none although something was there.
    pub damage: Option<String>,
}

impl Keep {
    /// What is kept for `source` of `chain`; without a chain nothing is.
    pub async fn open(chain: Option<&str>, source: &str) -> (Self, Found) {
        let Some(chain) = chain else { return Default::default() };
        // A browser without such files, or another tab that has them: nothing is kept, and that is said.
        match Self::files(chain, source).await {
            Ok(files) => Self::over(files),
            Err(fault) => (Self { fault: Some(fault), ..Self::default() }, Found::default()),
        }
    }

    /// Whether anything is kept.
    #[must_use]
    pub const fn keeps(&self) -> bool {
        self.files.is_some()
    }

    /// Why nothing is kept; `None` where it is, and where nobody wanted it.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Keeps this in place of the older of two; bytes on the disk, 0 where nobody wanted anything kept.
    ///
    /// # Errors
    /// [`Fault`]: a full disk is the usual cause. From then on nothing is kept, for the same reason, but what was stays.
    pub fn keep(&mut self, model: &[u8]) -> Result<u64, Fault> {
        let Some(files) = &mut self.files else { return self.fault.clone().map_or(Ok(0), Err) };
        let number = self.number + 1;
        let content = [&number.to_le_bytes(), model].concat();
        let written = match frames::frame(&content) {
            Some(frame) => files[self.next].write(0, &frame).map(|()| frame.len() as u64),
            None => Err(Fault(format!("{} bytes are too many", content.len()))),
        };
        match written {
            Ok(bytes) => {
                self.number = number;
                self.next = 1 - self.next;
                Ok(bytes)
            }
            Err(fault) => {
                // Room for who comes next; a piece of a frame is known as such anyway.
                drop(files[self.next].cut(0));
                self.files = None;
                self.fault = Some(fault.clone());
                Err(fault)
            }
        }
    }

    /// Empties both files.
    pub fn forget(&mut self) {
        for file in self.files.iter_mut().flatten() {
            // What cannot be emptied is overwritten next.
            drop(file.cut(0));
        }
    }

    async fn files(chain: &str, source: &str) -> Result<[File; 2], Fault> {
        let folder = Folder::open(chain).await?;
        Ok([folder.file(&format!("model-{source}-0")).await?, folder.file(&format!("model-{source}-1")).await?])
    }

    fn over(files: [File; 2]) -> (Self, Found) {
        let read = [read(&files[0]), read(&files[1])];
        let number = |at: usize| read[at].as_ref().ok().and_then(Option::as_ref).map(|(number, _)| *number);
        let newest = if number(1) > number(0) { 1 } else { 0 };
        let keep = Self { files: Some(files), fault: None, next: 1 - newest, number: number(newest).unwrap_or(0) };
        let [first, second] = read;
        let (newer, older) = if newest == 0 { (first, second) } else { (second, first) };
        let found = match (newer, older) {
            (Ok(Some((_, model))), _) => Found { model: Some(model), damage: None },
            (Err(damage), _) | (_, Err(damage)) => Found { model: None, damage: Some(damage) },
            (Ok(None), _) => Found::default(),
        };
        (keep, found)
    }
}

/// The number and the model in a file; `None`: it is empty.
fn read(file: &File) -> Result<Option<(u64, Vec<u8>)>, String> {
    if file.size() == 0 {
        return Ok(None);
    }
    if file.size() > LARGEST {
        return Err(format!("its file has {} bytes, at most {LARGEST} are read", file.size()));
    }
    let held = frames::read(&file.read().map_err(|fault| fault.to_string())?);
    match held.content.split_first_chunk() {
        Some((number, model)) => Ok(Some((u64::from_le_bytes(*number), model.to_vec()))),
        None => Err(held.damage.map_or_else(|| "it ends too early".into(), |damage| damage.to_string())),
    }
}

/// Largest file that is read, bytes: some ten times the largest preset with its optimiser.
const LARGEST: u64 = 1 << 30;
