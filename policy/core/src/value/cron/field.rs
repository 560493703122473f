//! One field of a cron expression: a list of items, read into the set of values that they name.

/// What a field can hold.
pub(super) struct Field {
    name: &'static str,
    lowest: u8,
    highest: u8,
    /// Where `*` and `a/n` end.
    end: u8,
    /// Names in the order of their values, from `lowest` on.
    names: &'static [&'static str],
    values: &'static str,
}

/// The fields in their order.
pub(super) const FIELDS: [Field; 5] = [
    Field { name: "minute", lowest: 0, highest: 59, end: 59, names: &[], values: "a number from 0 to 59" },
    Field { name: "hour", lowest: 0, highest: 23, end: 23, names: &[], values: "a number from 0 to 23" },
    Field { name: "day of month", lowest: 1, highest: 31, end: 31, names: &[], values: "a number from 1 to 31" },
    Field {
        name: "month",
        lowest: 1,
        highest: 12,
        end: 12,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
        values: "a number from 1 to 12 or a name from JAN to DEC",
    },
    Field {
        name: "day of week",
        lowest: 0,
        highest: 7,
        end: 6,
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        values: "a number from 0 to 7 or a name from SUN to SAT",
    },
];

/// The values that a field names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    /// Bit v means the value v.
    bits: u64,
    /// Whether one of the items is `*` or `*/1`.
    pub(super) free: bool,
}

impl Values {
    pub(super) fn has(self, value: i64) -> bool {
        u32::try_from(value).ok().and_then(|value| self.bits.checked_shr(value)).is_some_and(|bits| bits & 1 == 1)
    }

    /// Sunday is 0, however it was written.
    pub(super) fn of_the_week(self) -> Self {
        Self { bits: self.bits & 0x7f | self.bits >> 7, ..self }
    }

    /// Steps of one or more, from the first value to the last.
    fn add(&mut self, first: u8, last: u8, step: u8) {
        let values = (first..=last).step_by(step.into());
        self.bits |= values.fold(0, |bits, value| bits | 1 << value);
    }
}

impl Field {
    /// # Errors
    /// A sentence that names the first item which cannot be read.
    pub(super) fn parse(&self, text: &str) -> Result<Values, String> {
        let mut values = Values::default();
        for item in text.split(',') {
            if item.is_empty() {
                return Err(format!("`{text}` in the {} has an empty item", self.name));
            }
            self.parse_item(item, &mut values)?;
        }
        Ok(values)
    }

    fn parse_item(&self, item: &str, values: &mut Values) -> Result<(), String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(item, step)?)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (self.value(item, first)?, self.value(item, last)?),
            None if range == "*" => (self.lowest, self.end),
            None => {
                let only = self.value(item, range)?;
                (only, step.map_or(only, |_| self.end))
            }
        };
        if first > last {
            return Err(self.falls(item));
        }
        let step = step.unwrap_or(1);
        values.free |= range == "*" && step == 1;
        values.add(first, last, step);
        Ok(())
    }

    fn step(&self, item: &str, text: &str) -> Result<u8, String> {
        let step = number(text).filter(|step| (1..=self.highest).contains(step));
        let sentence =
            || format!("the step of `{item}` in the {} is not a number from 1 to {}", self.name, self.highest);
        step.ok_or_else(sentence)
    }

    fn value(&self, item: &str, text: &str) -> Result<u8, String> {
        let named = (self.lowest..).zip(self.names).find(|(_, name)| name.eq_ignore_ascii_case(text));
        let value = named.map(|(value, _)| value).or_else(|| number(text));
        let given = if text.is_empty() { item } else { text };
        let sentence = || format!("`{given}` in the {} is not {}", self.name, self.values);
        value.filter(|value| (self.lowest..=self.highest).contains(value)).ok_or_else(sentence)
    }

    fn falls(&self, item: &str) -> String {
        let hint = if self.highest > self.end { ", and at the end of one Sunday is 7" } else { "" };
        format!("`{item}` in the {} ends before it begins; ranges ascend{hint}", self.name)
    }
}

/// Digits and nothing else; leading zeros are fine.
fn number(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
