//! Output. A reader that has gone, like `head`, ends the program without a message.

use std::{
    fmt::Arguments,
    io::{ErrorKind, Write as _},
    process,
};

/// Writes to the standard output.
pub fn out(text: Arguments<'_>) {
    let mut stdout = anstream::stdout().lock();
    if let Err(error) = stdout.write_fmt(text).and_then(|()| stdout.flush()) {
        let is_gone = error.kind() == ErrorKind::BrokenPipe;
        process::exit(i32::from(!is_gone));
    }
}

/// Writes to the standard error; there is nobody to whom a failure of that could be reported.
pub fn err(text: Arguments<'_>) {
    let _ = anstream::stderr().lock().write_fmt(text);
}

/// A line on the standard output.
macro_rules! say {
    () => { $crate::say::out(format_args!("\n")) };
    ($($text:tt)*) => { $crate::say::out(format_args!("{}\n", format_args!($($text)*))) };
}

/// A line on the standard error.
macro_rules! note {
    ($($text:tt)*) => { $crate::say::err(format_args!("{}\n", format_args!($($text)*))) };
}

pub(crate) use {note, say};
