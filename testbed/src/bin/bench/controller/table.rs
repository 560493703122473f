//! The table of what was measured: each row against its baseline and its budget.
//!
//! It compares numbers and nothing else: a budget that is missed by no more than the noise is held, and says so.

use std::fmt;

/// What a row must keep.
#[derive(Clone, Copy)]
pub(crate) enum Budget {
    AtLeast(f64),
    AtMost(f64),
    /// For the reader, no budget.
    None,
}

/// One row.
pub(crate) struct Row {
    what: String,
    measured: String,
    baseline: String,
    /// What the budget is about: a ratio, or a value in the unit of the budget.
    value: f64,
    /// A value is printed as a ratio where it is one.
    is_ratio: bool,
    budget: Budget,
    unit: &'static str,
}

impl Row {
    /// A rate or a time against that of a baseline.
    pub(crate) fn ratio(what: String, [measured, baseline]: [String; 2], ratio: f64, budget: Budget) -> Self {
        Self { what, measured, baseline, value: ratio, is_ratio: true, budget, unit: "" }
    }

    /// A value that has a budget of its own, in `unit`.
    pub(crate) fn value(what: String, baseline: String, (value, unit): (f64, &'static str), budget: Budget) -> Self {
        let measured = format!("{}{unit}", number(value));
        Self { what, measured, baseline, value, is_ratio: false, budget, unit }
    }

    /// Whether the budget is missed by more than the noise: also against the slowest of the baselines. A value that is no ratio
    /// has no baseline, and no noise.
    fn is_missed(&self, noise: f64) -> bool {
        let noise = if self.is_ratio { noise } else { 0.0 };
        let is_missed = match self.budget {
            Budget::AtLeast(least) => self.value * (1.0 + noise) < least,
            Budget::AtMost(most) => self.value > most * (1.0 + noise),
            Budget::None => false,
        };
        // A value that is no number was not measured.
        is_missed || !self.value.is_finite()
    }

    fn verdict(&self, noise: f64) -> &'static str {
        match self.budget {
            Budget::None => "",
            _ if self.is_missed(noise) => "MISSED",
            _ if self.is_missed(0.0) => "held within the noise",
            _ => "held",
        }
    }

    fn cells(&self, noise: f64) -> [String; 6] {
        let budget = match self.budget {
            Budget::AtLeast(least) => format!("≥ {}{}", number(least), self.unit),
            Budget::AtMost(most) => format!("≤ {}{}", number(most), self.unit),
            Budget::None => String::new(),
        };
        let ratio = if self.is_ratio { number(self.value) } else { String::new() };
        [self.what.clone(), self.measured.clone(), self.baseline.clone(), ratio, budget, self.verdict(noise).into()]
    }
}

/// Rows, and what is needed to read them.
#[derive(Default)]
pub(crate) struct Table {
    title: String,
    rows: Vec<Row>,
    /// The same baselines, each time that they were measured, in HPAs per second: beginnings, ends.
    baselines: [Vec<f64>; 2],
}

impl Table {
    pub(crate) fn new(title: String) -> Self {
        Self { title, ..Self::default() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) fn note_baselines(&mut self, begin: f64, end: f64) {
        let [begins, ends] = &mut self.baselines;
        begins.push(begin);
        ends.push(end);
    }

    /// How far apart the same baseline was, measured before and after, as a part of the lowest; of the two the larger.
    pub(crate) fn noise(&self) -> f64 {
        self.baselines.iter().map(|rates| spread(rates)).fold(0.0, f64::max)
    }

    /// How many budgets are missed by more than the noise.
    pub(crate) fn missed(&self) -> usize {
        let noise = self.noise();
        self.rows.iter().filter(|row| row.is_missed(noise)).count()
    }
}

const HEAD: [&str; 6] = ["row", "measured", "baseline", "ratio", "budget", "verdict"];

impl fmt::Display for Table {
    /// Markdown, aligned.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noise = self.noise();
        let rows: Vec<_> = self.rows.iter().map(|row| row.cells(noise)).collect();
        let heads = HEAD.map(str::to_owned);
        let width = |column: usize| {
            let cells = std::iter::once(&heads).chain(&rows).filter_map(|cells| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        writeln!(f, "### {}\n", self.title)?;
        write_cells(f, &heads, &widths)?;
        write_cells(f, &widths.map(|width| "-".repeat(width)), &widths)?;
        rows.iter().try_for_each(|cells| write_cells(f, cells, &widths))?;
        let [begins, ends] = &self.baselines;
        let (percent, begins, ends) = (noise * 100.0, rates(begins), rates(ends));
        writeln!(f, "\nNoise {percent:.0} %: the bare client, each time, begins {begins} and ends {ends} HPAs/s.")
    }
}

fn spread(rates: &[f64]) -> f64 {
    let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = rates.iter().copied().fold(0.0, f64::max);
    if lowest.is_finite() { (highest - lowest) / lowest } else { 0.0 }
}

fn rates(rates: &[f64]) -> String {
    rates.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(", ")
}

fn write_cells(f: &mut fmt::Formatter<'_>, cells: &[String; 6], widths: &[usize; 6]) -> fmt::Result {
    write!(f, "|")?;
    for (cell, width) in cells.iter().zip(widths) {
        write!(f, " {cell:<width$} |")?;
    }
    writeln!(f)
}

/// Three digits that count, as far as there are three.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..0.1 => format!("{value:.3}"),
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A count, to compute with.
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
