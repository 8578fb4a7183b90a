//! Fewer points that look the same: the outline of a line, every so many of a crowd.

use super::axis::drawable;

/// A point that is drawn; `run` counts the gaps before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// Points of one run are joined.
    pub run: usize,
}

/// What is kept of many points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Of each stretch the first, the last, and the extremes both ways: where a line goes.
    Outline,
    /// Every so many, and the extremes of all: how densely points lie, and how far.
    Crowd,
}

/// The points of two columns without those that have no place, at most [`MOST`].
pub fn points(x: &[f64], y: &[f64], keep: Keep) -> Vec<Point> {
    let mut all = Vec::with_capacity(x.len().min(y.len()));
    let mut run = 0;
    let mut gap = false;
    for (&x, &y) in x.iter().zip(y) {
        if drawable(x) && drawable(y) {
            run += usize::from(gap);
            all.push(Point { x, y, run });
        }
        gap = !(drawable(x) && drawable(y));
    }
    if all.len() <= MOST {
        return all;
    }
    match keep {
        Keep::Outline => all.chunks(all.len().div_ceil(MOST / KEPT)).flat_map(extremes).collect(),
        Keep::Crowd => {
            let some = all.iter().copied().step_by(all.len().div_ceil(MOST - KEPT));
            some.chain(extremes(&all)).collect()
        }
    }
}

/// The first, the last and the extremes in their order, each once.
fn extremes(stretch: &[Point]) -> Vec<Point> {
    let best = |better: fn(&Point, &Point) -> bool| {
        (0..stretch.len()).reduce(|best, one| if better(&stretch[one], &stretch[best]) { one } else { best })
    };
    let mut kept: Vec<usize> = [
        Some(0),
        best(|one, best| one.x < best.x),
        best(|one, best| one.x > best.x),
        best(|one, best| one.y < best.y),
        best(|one, best| one.y > best.y),
        stretch.len().checked_sub(1),
    ]
    .into_iter()
    .flatten()
    .collect();
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| stretch[index]).collect()
}

/// Points of a series; a line of these has three for each pixel.
pub const MOST: usize = 2_000;
/// Points kept of a stretch.
const KEPT: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_are_all_kept_and_of_many_the_extremes() {
        let count = 100_000;
        let x: Vec<f64> = (0..count).map(f64::from).collect();
        let mut y: Vec<f64> = x.iter().map(|x| (x % 17.0) / 17.0).collect();
        (y[54_321], y[77_777]) = (9.0, -9.0);
        let crowd = points(&x, &y, Keep::Crowd);
        assert!(crowd.len() <= MOST && crowd.iter().any(|point| point.y == 9.0));
        let thin = points(&x, &y, Keep::Outline);
        assert!(thin.len() <= MOST && thin.len() > MOST / 3, "{}", thin.len());
        assert!(thin.iter().any(|point| point.y == 9.0) && thin.iter().any(|point| point.y == -9.0));
        assert!(thin.windows(2).all(|pair| pair[0].x < pair[1].x));
        assert_eq!((thin[0].x, thin[thin.len() - 1].x), (0.0, 99_999.0));
        assert_eq!(points(&x[..9], &y[..5], Keep::Outline).len(), 5);
    }

    #[test]
    fn what_has_no_place_is_a_gap() {
        let thin = points(&[0.0, 1.0, 2.0, f64::NAN, 4.0], &[0.0, f64::INFINITY, 2.0, 3.0, 4.0], Keep::Outline);
        let runs: Vec<(f64, usize)> = thin.iter().map(|point| (point.x, point.run)).collect();
        assert_eq!(runs, [(0.0, 0), (2.0, 1), (4.0, 2)]);
    }
}
