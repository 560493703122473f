//! The schema and the core agree: the example of every reason in the list, and some random overrides. More of them, and
//! others: `cargo xtask agree`.

use crate::{AGREE, root, run};

#[test]
fn the_schema_refuses_nothing_that_the_core_admits_and_the_list_is_complete() {
    let (agreed, printed) = run(&root(), AGREE, &["--seed", "1", "--count", "300"]);
    assert!(agreed, "{printed}");
    assert!(printed.contains("\nthe schema refuses what the core admits: 0\n"), "{printed}");
    assert!(printed.contains("\n300 objects, seed 1, "), "{printed}");
}
