//! A straight line through points.

/// What there is at no nodes, and what each node adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) fixed: f64,
    pub(crate) each: f64,
    /// The farthest that a point is from the line.
    pub(crate) residual: f64,
    /// The share of the variance that the line explains.
    pub(crate) explained: f64,
}

impl Line {
    /// The line of least squares; nothing if all points are above each other.
    pub(crate) fn through(points: &[(f64, f64)]) -> Option<Self> {
        let n = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let across: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        let along: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        if points.len() < 2 || across == 0.0 {
            return None;
        }
        let each = along / across;
        let fixed = y - each * x;
        let distances = points.iter().map(|point| (point.1 - (fixed + each * point.0)).abs());
        let missed: f64 = distances.clone().map(|distance| distance.powi(2)).sum();
        let spread: f64 = points.iter().map(|point| (point.1 - y).powi(2)).sum();
        let explained = if spread == 0.0 { 1.0 } else { 1.0 - missed / spread };
        Some(Self { fixed, each, residual: distances.fold(0.0, f64::max), explained })
    }

    pub(crate) fn at(self, nodes: f64) -> f64 {
        self.fixed + self.each * nodes
    }
}

#[test]
fn a_line_goes_through_points_that_are_on_one_and_between_others() {
    let line = Line::through(&[(1.0, 5.0), (3.0, 9.0), (2.0, 7.0)]).unwrap();
    assert_eq!((line.fixed, line.each, line.residual, line.at(10.0)), (3.0, 2.0, 0.0, 23.0));
    let line = Line::through(&[(0.0, 1.0), (0.0, 3.0), (2.0, 2.0), (2.0, 4.0)]).unwrap();
    assert_eq!((line.fixed, line.each, line.residual), (2.0, 0.5, 1.0));
    assert!(Line::through(&[(1.0, 1.0), (1.0, 2.0)]).is_none());
}
