//! How far a long piece of work is: a bar on a terminal, a line now and then elsewhere.

#![expect(dead_code, reason = "a follower shows with it how far it is")]

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    fmt::Display,
    io::{self, IsTerminal},
};

/// Shows one piece of work on stderr; it ends when this is dropped.
pub struct Progress {
    what: &'static str,
    unit: &'static str,
    form: Form,
}

enum Form {
    Bar(ProgressBar),
    /// Tenths of the work that were told of.
    Lines {
        told: Option<u64>,
        say: Box<dyn FnMut(&dyn Display) + Send>,
    },
}

impl Progress {
    /// `what` is done, counted in `unit`: "Sync", "blocks".
    pub fn new(what: &'static str, unit: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            return Self::lines(what, unit, Box::new(|line| crate::say::aside(line)));
        }
        let template = "{prefix:9} {wide_bar} {human_pos}/{human_len} {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self { what, unit, form: Form::Bar(bar.with_style(style).with_prefix(what)) }
    }

    /// A line to `say` for every tenth.
    fn lines(what: &'static str, unit: &'static str, say: Box<dyn FnMut(&dyn Display) + Send>) -> Self {
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
                    say(&format_args!("{}: {done} of {all} {}", self.what, self.unit));
                }
            }
        }
    }

    /// The same as a function to hand on.
    pub fn into_report(mut self) -> impl FnMut(u64, u64) + Send {
        move |done, all| self.at(done, all)
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
        let say = Box::new(move |line: &dyn Display| log.lock().unwrap().push(line.to_string()));
        let mut report = Progress::lines("Sync", "blocks", say).into_report();
        for done in 0..=1_000 {
            report(done, 1_000);
        }
        report(u64::MAX, u64::MAX);
        report(1, 0);
        let told = told.lock().unwrap();
        assert_eq!(told[..2], ["Sync: 0 of 1000 blocks", "Sync: 100 of 1000 blocks"]);
        assert_eq!(told.len(), 11, "{told:?}");
        assert_eq!(told.last().unwrap(), "Sync: 1000 of 1000 blocks");
    }
}
