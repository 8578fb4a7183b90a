//! Formulas as MathML Core: what browsers draw without a library, and what screen readers read.

use super::notation::Node;

/// A formula on a line of its own.
pub fn block(node: &Node) -> String {
    format!("<math xmlns=\"{NAMESPACE}\" display=\"block\"><mrow>{}</mrow></math>", contents(node))
}

/// A formula among words.
pub fn inline(node: &Node) -> String {
    format!("<math xmlns=\"{NAMESPACE}\"><mrow>{}</mrow></math>", contents(node))
}

fn contents(node: &Node) -> String {
    match node {
        Node::Row(parts) => row(parts),
        one => element(one),
    }
}

fn element(node: &Node) -> String {
    match node {
        Node::Number(digits) => format!("<mn>{digits}</mn>"),
        Node::Name(name) => format!("<mi>{name}</mi>"),
        Node::Words(words) => format!("<mtext>{}</mtext>", escaped(words)),
        Node::Operator(operator) => format!("<mo>{}</mo>", escaped(&operator.to_string())),
        Node::Row(parts) => format!("<mrow>{}</mrow>", row(parts)),
        Node::Fence(open, inside, close) => {
            // Fonts without large brackets would draw them far too large around a mere index.
            let look = if is_tall(inside) { "fence=\"true\"" } else { "fence=\"true\" stretchy=\"false\"" };
            format!("<mrow><mo {look}>{open}</mo>{}<mo {look}>{close}</mo></mrow>", contents(inside))
        }
        Node::Fraction(above, below) => format!("<mfrac>{}{}</mfrac>", grouped(above), grouped(below)),
        Node::Root(inside) => format!("<msqrt>{}</msqrt>", contents(inside)),
        Node::Script(base, below, above) => {
            let base_element = element(base);
            if let (None, Some(Node::Operator('′'))) = (below, above.as_deref()) {
                // The sign stands high by itself; as a power it would be too small to see.
                return format!("<mrow>{base_element}<mo lspace=\"0\" rspace=\"0\">′</mo></mrow>");
            }
            let under = matches!(**base, Node::Operator('∑' | '∏'));
            match (below, above) {
                (Some(below), None) if under => format!("<munder>{base_element}{}</munder>", index(below)),
                (Some(below), Some(above)) if under => {
                    format!("<munderover>{base_element}{}{}</munderover>", index(below), grouped(above))
                }
                (Some(below), Some(above)) => {
                    format!("<msubsup>{base_element}{}{}</msubsup>", index(below), grouped(above))
                }
                (Some(below), None) => format!("<msub>{base_element}{}</msub>", index(below)),
                (None, Some(above)) => format!("<msup>{base_element}{}</msup>", grouped(above)),
                (None, None) => base_element,
            }
        }
    }
}

/// Whether a part stands higher than a line of symbols.
fn is_tall(node: &Node) -> bool {
    match node {
        Node::Fraction(..) | Node::Operator('∑' | '∏') => true,
        Node::Row(parts) => parts.iter().any(is_tall),
        Node::Fence(_, inside, _) | Node::Root(inside) => is_tall(inside),
        Node::Script(base, _, above) => is_tall(base) || above.as_deref().is_some_and(is_tall),
        Node::Number(_) | Node::Name(_) | Node::Words(_) | Node::Operator(_) => false,
    }
}

/// Parts beside each other, with a dot where two factors would run together.
fn row(parts: &[Node]) -> String {
    let mut text = String::new();
    for (place, part) in parts.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| parts.get(before));
        if before.is_some_and(|before| touches(before, part)) {
            text.push_str("<mo>·</mo>");
        } else if before.is_some_and(is_factor) && matches!(part, Node::Name(name) if name.len() > 1 && name.is_ascii())
        {
            text.push_str("<mspace width=\"0.2em\"/>");
        }
        match part {
            // What begins a part is a sign, not a difference.
            Node::Operator(sign @ ('−' | '+')) if place == 0 => {
                text.push_str("<mo form=\"prefix\">");
                text.push(*sign);
                text.push_str("</mo>");
            }
            part => text.push_str(&element(part)),
        }
    }
    text
}

/// Whether a factor follows another as a number would, so that 0.1 and 0.49 are not read as 0.10.49.
fn touches(before: &Node, part: &Node) -> bool {
    is_factor(before) && (begins_with_a_number(part) || (is_number(before) && matches!(part, Node::Fence('(', ..))))
}

fn is_factor(node: &Node) -> bool {
    !matches!(node, Node::Operator(_) | Node::Words(_) | Node::Row(_))
}

fn is_number(node: &Node) -> bool {
    matches!(node, Node::Number(_))
}

fn begins_with_a_number(node: &Node) -> bool {
    match node {
        Node::Number(_) => true,
        Node::Script(base, ..) => begins_with_a_number(base),
        Node::Fraction(above, _) => begins_with_a_number(above),
        Node::Row(parts) => parts.first().is_some_and(begins_with_a_number),
        _ => false,
    }
}

/// One element, whatever it holds.
fn grouped(node: &Node) -> String {
    match node {
        Node::Row(_) => format!("<mrow>{}</mrow>", contents(node)),
        one => element(one),
    }
}

/// An index: its letters are symbols, one by one, unless they make a word.
fn index(node: &Node) -> String {
    match node {
        Node::Name(name) if name.len() == 2 => {
            let letters: String = name.chars().map(|letter| format!("<mi>{letter}</mi>")).collect();
            format!("<mrow>{letters}</mrow>")
        }
        other => grouped(other),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const NAMESPACE: &str = "http://www.w3.org/1998/Math/MathML";

#[cfg(test)]
mod tests {
    use super::super::notation::parse;
    use super::*;

    #[test]
    fn every_construct_is_well_formed() {
        for text in ["∂L/∂a_i = −s_i/z [∑_k w_ik (T_k − ½) + L]", "√(x^2 + y_i^2) < \"a & b\"", "S′ = S + τ ‖S‖ I/‖I‖"]
        {
            let math = block(&parse(text));
            assert!(roxmltree::Document::parse(&math).is_ok(), "{text}: {math}");
        }
        assert!(inline(&parse("w_ij")).contains("<msub><mi>w</mi><mrow><mi>i</mi><mi>j</mi></mrow></msub>"));
        assert!(block(&parse("∑_k x")).contains("<munder><mo>∑</mo><mi>k</mi></munder>"));
    }

    #[test]
    fn numbers_do_not_run_together() {
        assert!(block(&parse("0.1 0.49")).contains("<mn>0.1</mn><mo>·</mo><mn>0.49</mn>"));
        assert!(!block(&parse("2 x")).contains('·'));
    }

    #[test]
    fn brackets_grow_around_what_is_tall_alone() {
        assert!(!block(&parse("(a/b)^2")).contains("stretchy"));
        assert!(block(&parse("σ(β t_k)")).contains("stretchy=\"false\""));
    }
}
