//! Reserves memory ahead of need, in WebAssembly.

use std::hint::black_box;

/// What the densest text takes as values, in multiples of its length: an object in an object in an object, `{"":{"":{"":`.
/// 256 times the most text would be more than one allocation may be.
const MOST_TAKEN: usize = 255;

/// Lets memory grow at once to what a text of that length may take, where the host allows it. By itself it grows in steps
/// of 64 KiB, at each of which a JavaScript engine may collect its garbage: over a minute in all for the densest question.
/// What is never touched, no machine has to provide.
pub(super) fn reserve_for(length: usize) {
    let mut reserved = Vec::<u8>::new();
    let _ = black_box(reserved.try_reserve_exact(length * MOST_TAKEN));
    black_box(reserved);
}
