//! How far a long piece of work is: a bar on a terminal, a line now and then elsewhere.

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};

/// Shows one piece of work on stderr; it ends when this is dropped.
pub struct Progress {
    what: &'static str,
    unit: &'static str,
    form: Form,
}

/// Where a line goes.
type Say = Box<dyn FnMut(String) + Send>;

enum Form {
    Bar(ProgressBar),
    /// Tenths of the work that were told of.
    Lines {
        told: Option<u64>,
        say: Say,
    },
}

impl Progress {
    /// `what` is done, counted in `unit`: "Sync", "blocks".
    pub fn new(what: &'static str, unit: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            return Self::lines(what, unit, Box::new(crate::say::aside));
        }
        let template = "{prefix:9} {wide_bar} {human_pos}/{human_len} {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self { what, unit, form: Form::Bar(bar.with_style(style).with_prefix(what)) }
    }

    /// A line to `say` for every tenth.
    fn lines(what: &'static str, unit: &'static str, say: Say) -> Self {
        Self { what, unit, form: Form::Lines { told: None, say } }
    }

    /// `done` of `all` are done; `all` may grow.
    pub fn at(&mut self, done: u64, all: u64) {
        match &mut self.form {
            Form::Bar(bar) => {
                bar.set_length(all);
                bar.set_position(done);
                bar.set_message(format!("{}, {} to go", self.unit, HumanDuration(bar.eta())));
            }
            Form::Lines { told, say } => {
                let tenth = u64::try_from(u128::from(done) * 10 / u128::from(all.max(1))).unwrap_or(10);
                if *told != Some(tenth) {
                    *told = Some(tenth);
                    say(format!("{}: {done} of {all} {}", self.what, self.unit));
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn away_from_a_terminal_each_tenth_is_one_line() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let say = Box::new(move |line| log.lock().unwrap().push(line));
        let mut progress = Progress::lines("Sync", "blocks", say);
        for done in 0..=1_000 {
            progress.at(done, 1_000);
        }
        progress.at(u64::MAX, u64::MAX);
        progress.at(1, 0);
        let told = told.lock().unwrap();
        assert_eq!(told[..2], ["Sync: 0 of 1000 blocks", "Sync: 100 of 1000 blocks"]);
        assert_eq!(told.len(), 11, "{told:?}");
        assert_eq!(told.last().unwrap(), "Sync: 1000 of 1000 blocks");
    }
}
