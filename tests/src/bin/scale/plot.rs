//! The picture: memory and CPU of Prometheus by the number of nodes, as points of each round and a line through them.

use crate::{
    arithmetic::{cpu, ram},
    figures::{Figures, Kind, NEWER, Role, Server},
};

/// Pixels.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 330.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 46.0;
/// Of one of both parts, and the space left of its axis.
const PART: f64 = WIDTH / 2.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 24.0;
/// Lines across each part.
const GRID: u32 = 4;

/// Texts and lines follow the reader's colours; both kinds can be told apart on light and dark, and by their shapes.
const STYLE: &str = "<style>\
    text{font:13px system-ui,sans-serif;fill:#1f2328}\
    .note{fill:#59636e;font-size:12px}\
    .grid{stroke:#d1d9e0}\
    .rest{fill:#0969da;stroke:#0969da}.busy{fill:#d4a72c;stroke:#d4a72c}\
    @media(prefers-color-scheme:dark){text{fill:#f0f6fc}.note{fill:#9198a1}.grid{stroke:#3d444d}\
    .rest{fill:#4493f8;stroke:#4493f8}}\
    </style>";

/// An SVG image.
pub(crate) fn svg(figures: &Figures) -> String {
    let parts =
        [part(figures, 0.0, "memory, MiB", ram), part(figures, PART, "CPU, %", |one| cpu(one) * 100.0)]
            .concat();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\">\n<title>Memory and CPU of Prometheus by the number of nodes</title>\n{STYLE}\n{}{parts}</svg>\n",
        legend()
    )
}

fn legend() -> String {
    let entry =
        |x: f64, kind: Kind, title: &str| [point(kind, x, 16.0), text(x + 10.0, 20.0, "", title)].concat();
    [entry(LEFT, Kind::Rest, "nodes at rest"), entry(LEFT + 130.0, Kind::Busy, "busy nodes")].concat()
}

/// From nodes and figures to pixels.
struct Scale {
    left: f64,
    nodes: f64,
    most: f64,
}

impl Scale {
    fn x(&self, nodes: f64) -> f64 {
        self.left + LEFT + nodes / self.nodes * (PART - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.most * (HEIGHT - TOP - BOTTOM)
    }
}

fn part(figures: &Figures, left: f64, title: &str, of: fn(&Server) -> f64) -> String {
    let servers = |kind| figures.servers(NEWER, Role::Alone, kind);
    let all = || servers(Kind::Rest).chain(servers(Kind::Busy));
    let nodes = all().map(|one| one.nodes as f64).fold(1.0, f64::max);
    let scale = Scale { left, nodes, most: round_up(all().map(of).fold(0.0, f64::max)) };
    let mut picture = grid(&scale, title);
    for kind in [Kind::Rest, Kind::Busy] {
        if let Some((line, _)) = figures.lines(kind, of) {
            let (start, end) = ((0.0, line.fixed.max(0.0)), (nodes, line.at(nodes)));
            picture += stroke(class(kind), &scale, start, end).as_str();
        }
        picture.extend(servers(kind).map(|one| point(kind, scale.x(one.nodes as f64), scale.y(of(one)))));
    }
    picture
}

fn grid(scale: &Scale, title: &str) -> String {
    let (start, end) = (scale.x(0.0), scale.x(scale.nodes));
    let mut grid = text(start, TOP - 14.0, "note", title);
    for n in 0..=GRID {
        let share = f64::from(n) / f64::from(GRID);
        let (y, x) = (scale.y(scale.most * share), scale.x(scale.nodes * share));
        let value = scale.most * share;
        grid += stroke("grid", scale, (0.0, value), (scale.nodes, value)).as_str();
        let digits = usize::from(scale.most < 10.0);
        grid += text(start - 8.0, y + 4.0, "note\" text-anchor=\"end", &format!("{value:.digits$}")).as_str();
        let nodes = format!("{:.0}", scale.nodes * share);
        grid += text(x, HEIGHT - BOTTOM + 18.0, "note\" text-anchor=\"middle", &nodes).as_str();
    }
    grid += text(f64::midpoint(start, end), HEIGHT - 8.0, "note\" text-anchor=\"middle", "nodes").as_str();
    grid
}

/// A line from one pair of nodes and figure to another.
fn stroke(class: &str, scale: &Scale, from: (f64, f64), to: (f64, f64)) -> String {
    let ends = [(1, from), (2, to)]
        .map(|(n, (nodes, value))| format!(" x{n}=\"{:.1}\" y{n}=\"{:.1}\"", scale.x(nodes), scale.y(value)));
    format!("<line class=\"{class}\"{}/>\n", ends.concat())
}

/// Up to the next number that is short: 1, 2 or 5 and zeros, or 4 or 8 of them.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-3).log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(value)
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Rest => "rest",
        Kind::Busy => "busy",
    }
}

/// A circle for one kind, a square for the other.
fn point(kind: Kind, x: f64, y: f64) -> String {
    match kind {
        Kind::Rest => format!("<circle class=\"rest\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>\n"),
        Kind::Busy => {
            let (x, y) = (x - 3.0, y - 3.0);
            format!("<rect class=\"busy\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"6\" height=\"6\"/>\n")
        }
    }
}

fn text(x: f64, y: f64, class: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{text}</text>\n")
}

#[test]
fn an_axis_ends_at_a_short_number() {
    let ends = [0.3, 7.0, 100.0, 512.0].map(|value| format!("{:.1}", round_up(value)));
    assert_eq!(ends, ["0.4", "8.0", "100.0", "800.0"]);
}
