//! A formula with the numbers of one run in it: what it says, how it is right, and how a draft prints it.
//!
//! Formulas are written in one line that a terminal can print, `T = σ(θ (s − ½))`, and are shown as MathML, which browsers
//! draw and screen readers read. The second line of a formula is made from the first: symbols whose values are known are
//! replaced by them, so that the numbers cannot stand at another place than their symbols.
//!
//! It computes nothing: values come from reports, settings and the mechanisms.

mod mathml;
mod notation;

use notation::Node;
use serde::Serialize;

/// One formula at one step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// What it says, in plain words.
    pub says: &'static str,
    /// How it is right, in the notation of this module.
    pub text: &'static str,
    /// What its left side is here; none where it is no number.
    pub value: Option<f64>,
    /// What its symbols are here.
    pub terms: Vec<Term>,
    /// How a draft prints it, where that differs.
    pub literal: Option<Literal>,
}

/// A symbol with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The symbol, in the notation.
    pub symbol: &'static str,
    /// What it stands for.
    pub about: &'static str,
    /// Its value.
    pub value: f64,
}

/// The literal reading of a draft.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// As it is printed.
    pub text: &'static str,
    /// What that gives here; none where it is no number.
    pub value: Option<f64>,
    /// What is wrong with it, in plain words.
    pub why: &'static str,
}

/// A formula as a page shows it: `MathML` elements as text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// What it says.
    pub says: &'static str,
    /// How it is right.
    pub right: Reading,
    /// How a draft prints it, where that differs.
    pub literal: Option<Reading>,
    /// What its symbols are.
    pub terms: Vec<ShownTerm>,
}

/// One reading of a formula.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// In the notation, as one line of text.
    pub text: &'static str,
    /// With symbols.
    pub math: String,
    /// With numbers in the place of symbols; none where no number is known.
    pub numbers: Option<String>,
    /// What its left side is, in full precision.
    pub value: Option<f64>,
    /// What is wrong with it; of a literal reading.
    pub why: Option<&'static str>,
}

/// A symbol as a page shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownTerm {
    /// The symbol as `MathML`.
    pub symbol: String,
    /// What it stands for.
    pub about: &'static str,
    /// Its value in full precision.
    pub value: f64,
    /// The same as people write it.
    pub said: String,
}

impl Formula {
    /// A formula without numbers.
    #[must_use]
    pub const fn new(says: &'static str, text: &'static str) -> Self {
        Self { says, text, value: None, terms: Vec::new(), literal: None }
    }

    /// With the value of a symbol.
    #[must_use]
    pub fn with(mut self, symbol: &'static str, about: &'static str, value: f64) -> Self {
        self.terms.push(Term { symbol, about, value });
        self
    }

    /// With the value of its left side.
    #[must_use]
    pub const fn gives(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    /// Beside how a draft prints it.
    #[must_use]
    pub const fn printed(mut self, text: &'static str, value: Option<f64>, why: &'static str) -> Self {
        self.literal = Some(Literal { text, value, why });
        self
    }

    /// As a page shows it.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let literal = self.literal.as_ref();
        Shown {
            says: self.says,
            right: self.reading(self.text, self.value, None),
            literal: literal.map(|literal| self.reading(literal.text, literal.value, Some(literal.why))),
            terms: self.terms.iter().map(Term::shown).collect(),
        }
    }

    fn reading(&self, text: &'static str, value: Option<f64>, why: Option<&'static str>) -> Reading {
        let node = notation::parse(text);
        let values: Vec<(Node, Node)> =
            self.terms.iter().map(|term| (notation::parse(term.symbol), notation::number(term.value))).collect();
        let numbers = notation::with_numbers(&node, &values, value);
        Reading { text, math: mathml::block(&node), numbers: numbers.as_ref().map(mathml::block), value, why }
    }
}

impl Term {
    fn shown(&self) -> ShownTerm {
        let symbol = mathml::inline(&notation::parse(self.symbol));
        ShownTerm { symbol, about: self.about, value: self.value, said: notation::said(self.value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_where_their_symbols_do() {
        let formula = Formula::new("trust", "T = σ(θ (s − ½))").with("θ", "slope", 10.0).with("s", "share", 0.49);
        let shown = formula.gives(0.475).shown();
        assert!(shown.right.math.contains("<mi>θ</mi>"));
        let numbers = shown.right.numbers.unwrap();
        assert!(numbers.contains("<mn>10</mn>") && numbers.contains("<mn>0.49</mn>"), "{numbers}");
        assert!(numbers.ends_with("<mo>=</mo><mn>0.475</mn></mrow></math>"), "{numbers}");
        assert!(!numbers.contains('θ') && numbers.contains('σ'), "{numbers}");
        assert_eq!(shown.terms[0].said, "10");
    }

    #[test]
    fn without_a_number_there_is_no_second_line() {
        let shown = Formula::new("rank", "R = W^⊤ S").printed("R = W ∘ S", None, "it pays each its own stake").shown();
        assert_eq!(shown.right.numbers, None);
        assert_eq!(shown.literal.unwrap().why, Some("it pays each its own stake"));
    }
}
