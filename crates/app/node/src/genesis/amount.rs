//! Amounts as people write them: tokens, a decimal number with at most nine digits behind its point.

use ledger::{Amount, types::TOKEN};

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits, perhaps with a point between them.
    #[error("{0:?} is no amount: a number of tokens such as 1000 or 0.25 is wanted")]
    NotDecimal(String),
    /// Part of a base unit.
    #[error("{0} is no amount: a token has {DIGITS} decimal places")]
    TooFine(String),
    /// More than an amount can be.
    #[error("{0} tokens are more than can be written down, {most}", most = text(Amount(u64::MAX)))]
    TooLarge(String),
}

/// An amount in tokens, without a point where they are whole.
pub fn text(amount: Amount) -> String {
    let (whole, rest) = (amount.get() / TOKEN, amount.get() % TOKEN);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:0DIGITS$}").trim_end_matches('0').to_owned()
}

/// The amount of a text.
///
/// # Errors
/// [`AmountError`]
pub fn parse(text: &str) -> Result<Amount, AmountError> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(places) {
        return Err(AmountError::NotDecimal(text.into()));
    }
    let places = places.trim_end_matches('0');
    if places.len() > DIGITS {
        return Err(AmountError::TooFine(text.into()));
    }
    let too_large = || AmountError::TooLarge(text.into());
    let rest = format!("{places:0<DIGITS$}").parse::<u64>().ok();
    let whole = whole.parse().ok().and_then(Amount::tokens).ok_or_else(too_large)?;
    rest.and_then(|rest| whole.checked_add(Amount(rest))).ok_or_else(too_large)
}

/// Decimal places of a token.
const DIGITS: usize = TOKEN.ilog10() as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        for (units, written) in [
            (0, "0"),
            (1, "0.000000001"),
            (TOKEN / 4, "0.25"),
            (1_000 * TOKEN, "1000"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(text(Amount(units)), written);
            assert_eq!(parse(written), Ok(Amount(units)));
        }
        assert_eq!(parse("007.500"), Ok(Amount(7 * TOKEN + TOKEN / 2)));
        assert_eq!(parse("1.0000000000000"), Ok(Amount(TOKEN)));
    }

    #[test]
    fn each_wrong_amount_is_named() {
        for wrong in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1_000", "1,5", "ten", "1.2.3", "٣"] {
            assert_eq!(parse(wrong), Err(AmountError::NotDecimal(wrong.into())));
        }
        let says = |wrong| parse(wrong).unwrap_err().to_string();
        assert_eq!(says("1.0000000001"), "1.0000000001 is no amount: a token has 9 decimal places");
        assert_eq!(says("x"), "\"x\" is no amount: a number of tokens such as 1000 or 0.25 is wanted");
        let most = "18446744073.709551616 tokens are more than can be written down, 18446744073.709551615";
        assert_eq!(says("18446744073.709551616"), most);
        assert!(says("99999999999999999999999").contains("more than"));
    }
}
