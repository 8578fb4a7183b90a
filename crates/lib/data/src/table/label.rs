//! Classes of the label column: its values, or ranges of them where they are too many numbers.

use super::{Columns, columns::number};
use crate::{Error, images::list, limits, split::Split};

/// Ranges that many distinct numbers are put into.
const BINS: usize = 16;
/// Examples that a value has on average at least, to be a class.
const OF_A_CLASS: usize = 2;

/// The class of every row.
pub(super) struct Classes {
    pub targets: Vec<u16>,
    pub names: Vec<String>,
    /// What they are, for a person.
    pub story: String,
}

/// The classes of the label column.
///
/// # Errors
/// [`Error::OneClass`], [`Error::OneEach`], [`Error::Classes`].
pub(super) fn classes(columns: &Columns, split: &Split) -> Result<Classes, Error> {
    let distinct = columns.distinct();
    let examples = columns.labels.len();
    let numbers: Option<Vec<f64>> = distinct.iter().map(|label| number(label)).collect();
    let scarce = distinct.len() * OF_A_CLASS > examples;
    match numbers {
        Some(numbers) if distinct.len() > limits::CLASSES || (scarce && distinct.len() > BINS) => {
            let values: Vec<f64> = columns.labels.iter().map(|label| numbers[*label]).collect();
            ranges(&values, numbers.len(), columns, split)
        }
        None if scarce => Err(Error::OneEach { classes: distinct.len(), examples }),
        _ if distinct.len() > limits::CLASSES => Err(Error::Classes { classes: distinct.len() }),
        numbers => {
            let mut order: Vec<usize> = (0..distinct.len()).collect();
            match numbers {
                Some(numbers) => order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b])),
                None => order.sort_by_key(|label| distinct[*label]),
            }
            let mut numbered = vec![0; distinct.len()];
            order.iter().zip(0u16..).for_each(|(label, class)| numbered[*label] = class);
            let names: Vec<String> = order.iter().map(|label| distinct[*label].to_owned()).collect();
            let story = format!("label '{}' of {} classes ({})", columns.label_name(), names.len(), list(&names));
            Ok(Classes { targets: columns.labels.iter().map(|label| numbered[*label]).collect(), names, story })
        }
    }
}

/// Sixteen ranges with about as many training rows each.
fn ranges(values: &[f64], distinct: usize, columns: &Columns, split: &Split) -> Result<Classes, Error> {
    let mut sorted: Vec<f64> = split.training.iter().map(|row| values[*row]).collect();
    sorted.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..BINS).map(|bin| sorted[bin * sorted.len() / BINS]).collect();
    edges.dedup();
    // Nothing of the training part lies below its smallest value.
    edges.retain(|edge| *edge > sorted[0]);
    let Some((first, last)) = edges.first().zip(edges.last()) else {
        return Err(Error::OneClass { label: sorted[0].to_string(), examples: values.len() });
    };
    let mut names = vec![format!("below {first}")];
    names.extend(edges.windows(2).map(|pair| format!("{} to {}", pair[0], pair[1])));
    names.push(format!("from {last}"));
    let class = |value: &f64| u16::try_from(edges.partition_point(|edge| edge <= value)).unwrap_or(u16::MAX);
    let story = format!(
        "label '{}' of {distinct} numbers in {} classes of about equal size ({})",
        columns.label_name(),
        names.len(),
        list(&names)
    );
    Ok(Classes { targets: values.iter().map(class).collect(), names, story })
}
