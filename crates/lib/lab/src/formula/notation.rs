//! The notation of formulas: one line of text, read into a tree.
//!
//! | text | means |
//! |---|---|
//! | `a/b`, `(a + b)/(c d)` | a fraction; brackets around a whole part are for reading only |
//! | `w_ij`, `s_(i + 1)`, `x^2`, `s′` | indices, powers, primes |
//! | `∑_k x` | a sum, with its index below |
//! | `√(x)`, `‖S‖`, `[x]` | a root, a norm, brackets |
//! | `sc`, `min` | a word of letters is one name; a product is written with a space, `τ I` |
//! | `"cabal"` | words |
//!
//! Texts are written in this crate; whatever they hold is read somehow, and tests look at what is read.

use std::iter::Peekable;
use std::str::Chars;

/// A part of a formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Digits.
    Number(String),
    /// A symbol.
    Name(String),
    /// Words among symbols.
    Words(String),
    /// An operator or relation.
    Operator(char),
    /// Parts beside each other.
    Row(Vec<Node>),
    /// Something between two brackets.
    Fence(char, Box<Node>, char),
    /// A fraction.
    Fraction(Box<Node>, Box<Node>),
    /// A root.
    Root(Box<Node>),
    /// A base with something below, above, or both.
    Script(Box<Node>, Option<Box<Node>>, Option<Box<Node>>),
}

/// Reads a formula.
pub fn parse(text: &str) -> Node {
    Parser { rest: text.chars().peekable() }.row(None)
}

/// The second line: the right side with values in the place of symbols, and what it gives; of what has no right side, all
/// of it. None where nothing is known.
pub fn with_numbers(node: &Node, values: &[(Node, Node)], value: Option<f64>) -> Option<Node> {
    let parts = match node {
        Node::Row(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let is_relation = |part: &Node| matches!(part, Node::Operator('=' | '←' | '≥' | '≤' | '<' | '>'));
    let relation = parts.iter().position(is_relation);
    let (left, right) = parts.split_at(relation.unwrap_or_default());
    let filled: Vec<Node> = right.iter().map(|part| replaced(part, values)).collect();
    if value.is_none() && filled == right {
        return None;
    }
    let mut line = left.to_vec();
    if filled != right || relation.is_none() {
        line.extend(filled);
    }
    line.extend(value.into_iter().flat_map(|value| [Node::Operator('='), number(value)]));
    Some(Node::Row(line))
}

/// A value as it stands in a formula: four digits that count.
pub fn number(value: f64) -> Node {
    let (negative, digits, power) = digits(value);
    let mut parts = vec![Node::Number(digits)];
    if let Some(power) = power {
        let raised = Node::Script(Box::new(Node::Number("10".into())), None, Some(Box::new(Node::Number(power))));
        parts.extend([Node::Operator('×'), raised]);
    }
    if negative {
        parts.insert(0, Node::Operator('−'));
    }
    if parts.len() == 1 { parts.remove(0) } else { Node::Row(parts) }
}

/// The same as a line of text.
pub fn said(value: f64) -> String {
    let (negative, digits, power) = digits(value);
    let sign = if negative { "−" } else { "" };
    power.map_or_else(|| format!("{sign}{digits}"), |power| format!("{sign}{digits} × 10^{power}"))
}

/// Whether it is below zero, its digits, and a power of ten where it is tiny or huge.
fn digits(value: f64) -> (bool, String, Option<String>) {
    if !value.is_finite() {
        let name = if value.is_nan() { "?" } else { "∞" };
        return (value < 0.0, name.into(), None);
    }
    let text = format!("{:.3e}", value.abs());
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let short = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    if value == 0.0 {
        (false, "0".into(), None)
    } else if (-4..6).contains(&power) {
        let decimals = usize::try_from(3 - power).unwrap_or(0);
        (value < 0.0, short(&format!("{:.decimals$}", value.abs())), None)
    } else {
        (value < 0.0, short(mantissa), Some(power.to_string().replace('-', "−")))
    }
}

fn replaced(node: &Node, values: &[(Node, Node)]) -> Node {
    if let Some((_, value)) = values.iter().find(|(symbol, _)| is(node, symbol)) {
        // A sum or a power of ten among factors needs its brackets.
        return match value {
            Node::Row(_) => Node::Fence('(', Box::new(value.clone()), ')'),
            one => one.clone(),
        };
    }
    let boxed = |part: &Node| Box::new(replaced(part, values));
    match node {
        Node::Row(parts) => Node::Row(parts.iter().map(|part| replaced(part, values)).collect()),
        Node::Fence(open, inside, close) => Node::Fence(*open, boxed(inside), *close),
        Node::Fraction(above, below) => Node::Fraction(boxed(above), boxed(below)),
        Node::Root(inside) => Node::Root(boxed(inside)),
        Node::Script(base, below, Some(above)) => Node::Script(boxed(base), below.clone(), Some(boxed(above))),
        other => other.clone(),
    }
}

/// Whether a part is this symbol, which was read by itself and so may stand alone in a row.
fn is(node: &Node, symbol: &Node) -> bool {
    match symbol {
        Node::Row(parts) if parts.len() == 1 => parts.first() == Some(node),
        other => other == node,
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Parser<'_> {
    /// Parts up to the end or to `close`, which is taken.
    fn row(&mut self, close: Option<char>) -> Node {
        let mut parts = Vec::new();
        while let Some(next) = self.peek() {
            if Some(next) == close {
                self.rest.next();
                break;
            }
            let mut part = self.scripted();
            while self.peek() == Some('/') {
                self.rest.next();
                self.peek();
                let below = self.scripted();
                part = Node::Fraction(Box::new(bare(part)), Box::new(bare(below)));
            }
            parts.push(part);
        }
        if parts.len() == 1 && close.is_some() { parts.remove(0) } else { Node::Row(parts) }
    }

    /// The next letter that is no blank.
    fn peek(&mut self) -> Option<char> {
        while self.rest.next_if(|next| *next == ' ').is_some() {}
        self.rest.peek().copied()
    }

    fn scripted(&mut self) -> Node {
        let base = self.primary();
        let (mut below, mut above) = (None, None);
        loop {
            match self.rest.peek() {
                Some('_') => {
                    self.rest.next();
                    below = Some(Box::new(bare(self.primary())));
                }
                Some('^') => {
                    self.rest.next();
                    above = Some(Box::new(bare(self.primary())));
                }
                Some('′') => {
                    self.rest.next();
                    above = Some(Box::new(Node::Operator('′')));
                }
                _ => break,
            }
        }
        let scripted = below.is_some() || above.is_some();
        if scripted { Node::Script(Box::new(base), below, above) } else { base }
    }

    fn primary(&mut self) -> Node {
        let Some(first) = self.rest.next() else { return Node::Row(Vec::new()) };
        match first {
            '(' => Node::Fence('(', Box::new(self.row(Some(')'))), ')'),
            '[' => Node::Fence('[', Box::new(self.row(Some(']'))), ']'),
            '‖' => Node::Fence('‖', Box::new(self.row(Some('‖'))), '‖'),
            '√' => Node::Root(Box::new(bare(self.primary()))),
            '∂' | 'Δ' => Node::Row(vec![Node::Name(first.into()), self.scripted()]),
            '"' => {
                let mut words = String::new();
                while let Some(letter) = self.rest.next_if(|next| *next != '"') {
                    words.push(letter);
                }
                self.rest.next();
                Node::Words(words)
            }
            digit if digit.is_ascii_digit() => {
                Node::Number(self.run(digit, |next| next.is_ascii_digit() || next == '.'))
            }
            '½' | '∞' => Node::Number(first.into()),
            letter if letter.is_ascii_alphabetic() => Node::Name(self.run(letter, |next| next.is_ascii_alphabetic())),
            letter if letter.is_alphabetic() => Node::Name(letter.into()),
            '⊤' => Node::Name(first.into()),
            operator => Node::Operator(operator),
        }
    }

    fn run(&mut self, first: char, belongs: impl Fn(char) -> bool) -> String {
        let mut run = String::from(first);
        while let Some(next) = self.rest.next_if(|next| belongs(*next)) {
            run.push(next);
        }
        run
    }
}

/// Without the brackets that only hold a part together.
fn bare(node: Node) -> Node {
    match node {
        Node::Fence('(', inside, ')') => *inside,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Node {
        Node::Name(text.into())
    }

    #[test]
    fn fractions_indices_and_brackets_are_read() {
        let read = parse("s_i/z");
        let index = Node::Script(Box::new(name("s")), Some(Box::new(name("i"))), None);
        assert_eq!(read, Node::Row(vec![Node::Fraction(Box::new(index), Box::new(name("z")))]));
        let Node::Row(parts) = parse("(a + b)/(c) ‖S‖ x^(−t)") else { panic!("a row") };
        assert!(
            matches!(&parts[0], Node::Fraction(above, below) if matches!(**above, Node::Row(_)) && **below == name("c"))
        );
        assert!(matches!(&parts[1], Node::Fence('‖', _, '‖')));
        assert!(matches!(&parts[2], Node::Script(_, None, Some(_))));
        assert_eq!(parts.len(), 3);
    }

    #[test]
    fn derivatives_are_fractions_of_two_products() {
        let Node::Row(parts) = parse("∂L/∂a_i") else { panic!("a row") };
        assert!(matches!(&parts[..], [Node::Fraction(above, below)]
            if **above == Node::Row(vec![name("∂"), name("L")]) && matches!(**below, Node::Row(_))));
    }

    #[test]
    fn numbers_are_written_with_four_digits() {
        let shown = [0.0, 0.49, -2.5, 123_456.0, 1.0 / 3.0, 1.25e-7, -3e9, 1e-4, f64::INFINITY].map(said);
        let expected =
            ["0", "0.49", "−2.5", "123456", "0.3333", "1.25 × 10^−7", "−3 × 10^9", "0.0001", "∞"].map(String::from);
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_negative_value_gets_brackets_and_the_left_side_keeps_its_symbol() {
        let values = [(parse("x"), number(-2.0))];
        let line = with_numbers(&parse("x = a x"), &values, Some(1.0)).unwrap();
        let Node::Row(parts) = line else { panic!("a row") };
        assert_eq!(parts[0], name("x"));
        assert!(matches!(&parts[3], Node::Fence('(', ..)));
        assert_eq!(with_numbers(&parse("x = a"), &values, None), None);
        let alone = with_numbers(&parse("e^x"), &[(parse("x"), number(2.0))], Some(7.0)).unwrap();
        assert_eq!(alone, parse("e^2 = 7"));
    }
}
