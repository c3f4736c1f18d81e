//! The picture: what each tool adds to a call that it watches and to one that it does not, on a logarithmic scale.

use crate::{
    loops::{GETPPID, KILL},
    report::{Figures, Report},
    tools::Kind,
};

/// Pixels.
const WIDTH: f64 = 860.0;
const LEFT: f64 = 300.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 64.0;
const BAR: f64 = 12.0;
const ROW: f64 = 38.0;
/// Nanoseconds at the left end: what is less is noise.
const LEAST: f64 = 10.0;

/// Texts and lines follow the reader's colours; those of the bars can be told apart on light and dark, and without seeing
/// colours.
const STYLE: &str = "<style>\
    text{font:13px system-ui,sans-serif;fill:#1f2328}\
    .note{fill:#59636e;font-size:12px}\
    .grid{stroke:#d1d9e0}\
    .kill{fill:#0969da}.getppid{fill:#d4a72c}\
    @media(prefers-color-scheme:dark){text{fill:#f0f6fc}.note{fill:#9198a1}.grid{stroke:#3d444d}.kill{fill:#4493f8}}\
    </style>";

/// An SVG image.
pub(crate) fn svg(report: &Report) -> String {
    let tools: Vec<_> =
        report.tools.iter().filter(|tool| matches!(tool.kind, Kind::Ours | Kind::Peer)).collect();
    let height = TOP + ROW * tools.len() as f64 + 10.0;
    let scale =
        Scale::up_to(tools.iter().flat_map(|tool| [added(tool, KILL), added(tool, GETPPID)]).flatten());
    let rows: String =
        (0u32..).zip(&tools).map(|(n, tool)| row(tool, TOP + ROW * f64::from(n), scale)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\">\n<title>Nanoseconds added to a call, by tool</title>\n{STYLE}\n{}{}{rows}</svg>\n",
        legend(),
        grid(scale, height)
    )
}

/// From nanoseconds to pixels.
#[derive(Clone, Copy)]
struct Scale {
    /// Powers of ten from the left end to the right one.
    decades: f64,
}

impl Scale {
    fn up_to(values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(LEAST * 10.0, f64::max);
        Self { decades: (most / LEAST).log10().ceil() }
    }

    fn x(self, nanoseconds: f64) -> f64 {
        let share = (nanoseconds.max(LEAST) / LEAST).log10() / self.decades;
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }
}

fn added(tool: &Figures, name: &str) -> Option<f64> {
    Some(tool.costs.get(name)?.added()?.median)
}

fn legend() -> String {
    let entry = |x: f64, class: &str, title: &str| {
        format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"10\" width=\"{BAR}\" height=\"{BAR}\"/>{}",
            text(x + BAR + 6.0, 20.0, "", title)
        )
    };
    text(8.0, 20.0, "", "nanoseconds added to")
        + entry(LEFT, KILL, "kill(self, 0)").as_str()
        + entry(LEFT + 140.0, GETPPID, "getppid(), as an example of any other call").as_str()
}

fn grid(scale: Scale, height: f64) -> String {
    let powers = std::iter::successors(Some(LEAST), |value| Some(value * 10.0));
    let lines = powers.take_while(|value| (value / LEAST).log10() <= scale.decades + 0.01).map(|value| {
        let x = scale.x(value);
        let line =
            format!("<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{height}\"/>\n");
        line + text(x, TOP - 8.0, "note\" text-anchor=\"middle", &format!("{value:.0} ns")).as_str()
    });
    lines.collect()
}

fn row(tool: &Figures, y: f64, scale: Scale) -> String {
    let name = text(LEFT - 10.0, y + 22.0, "\" text-anchor=\"end", &tool.name);
    if tool.costs.is_empty() {
        let what = if tool.kind == Kind::Ours { "not on this kernel" } else { "does not work here" };
        return name + text(LEFT + 6.0, y + 22.0, "note", what).as_str();
    }
    let bars = [(KILL, y + 5.0), (GETPPID, y + 6.0 + BAR)];
    let bars = bars
        .map(|(class, y)| added(tool, class).map_or_else(String::new, |value| bar(class, y, value, scale)));
    name + bars.concat().as_str()
}

fn bar(class: &str, y: f64, value: f64, scale: Scale) -> String {
    let end = scale.x(value);
    let label = if value < LEAST { format!("< {LEAST:.0}") } else { format!("{value:.0}") };
    format!(
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\"/>{}",
        (end - LEFT).max(1.0),
        text(end + 6.0, y + BAR - 1.5, "note", &label)
    )
}

fn text(x: f64, y: f64, class: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{text}</text>\n")
}
