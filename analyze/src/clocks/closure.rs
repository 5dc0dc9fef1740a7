//! Difference constraints closed over a graph of clocks.

/// Upper bounds of the differences of clocks' shifts at one instant: `x_j - x_i <= high[i][j]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Closure {
    high: Vec<Vec<f64>>,
    /// The clock through which the bound was tightened last.
    through: Vec<Vec<Option<usize>>>,
}

impl Closure {
    /// Of so many clocks, nothing known.
    pub(super) fn new(clocks: usize) -> Self {
        let mut high = vec![vec![f64::INFINITY; clocks]; clocks];
        for (clock, row) in high.iter_mut().enumerate() {
            row[clock] = 0.0;
        }
        Self { high, through: vec![vec![None; clocks]; clocks] }
    }

    /// Adds `low <= x_j - x_i <= high`.
    pub(super) fn bound(&mut self, i: usize, j: usize, low: f64, high: f64) {
        self.high[i][j] = self.high[i][j].min(high);
        self.high[j][i] = self.high[j][i].min(-low);
    }

    /// Draws every conclusion (R. W. Floyd, "Algorithm 97: shortest path", 1962; S. Warshall, 1962). False where the bounds
    /// contradict each other around a circle.
    pub(super) fn close(&mut self) -> bool {
        let clocks = self.high.len();
        for k in 0..clocks {
            for i in 0..clocks {
                for j in 0..clocks {
                    let around = self.high[i][k] + self.high[k][j];
                    if around < self.high[i][j] - 1e-9 {
                        self.high[i][j] = around;
                        self.through[i][j] = Some(k);
                    }
                }
            }
        }
        (0..clocks).all(|i| self.high[i][i] >= 0.0)
    }

    /// Bounds of `x_j - x_i`; infinite where nothing connects them.
    pub(super) fn bounds(&self, i: usize, j: usize) -> (f64, f64) {
        (-self.high[j][i], self.high[i][j])
    }

    /// A clock through which the bounds of two others were tightened.
    pub(super) fn through(&self, i: usize, j: usize) -> Option<usize> {
        self.through[i][j].or(self.through[j][i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_are_compared_through_a_third() {
        let mut closure = Closure::new(3);
        closure.bound(0, 1, 10.0, 12.0);
        closure.bound(1, 2, -5.0, -4.0);
        assert!(closure.close());
        assert!(closure.bounds(0, 2) == (5.0, 8.0) && closure.bounds(2, 0) == (-8.0, -5.0));
        assert_eq!((closure.through(0, 2), closure.through(0, 1)), (Some(1), None));
    }

    #[test]
    fn a_clock_that_nothing_connects_stays_unknown() {
        let mut closure = Closure::new(3);
        closure.bound(0, 1, 1.0, 2.0);
        assert!(closure.close());
        assert!(closure.bounds(0, 2) == (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn bounds_that_contradict_each_other_around_a_circle_are_found() {
        let mut closure = Closure::new(3);
        closure.bound(0, 1, 1.0, 2.0);
        closure.bound(1, 2, 1.0, 2.0);
        closure.bound(0, 2, 5.0, 6.0);
        assert!(!closure.close());
    }
}
