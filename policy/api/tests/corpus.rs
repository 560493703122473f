//! The conformance corpus, natively: every case of `cases/` has the answer that it names. `cargo xtask cases` asks every
//! other binding too.

#[cfg(test)]
mod corpus {
    use std::path::Path;

    use hpa_override_conformance::corpus::{Case, files, run};

    #[test]
    fn every_case_has_the_answer_that_it_names() {
        let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases")).unwrap();
        let failures: Vec<String> = files
            .iter()
            .filter_map(|file| {
                let case = Case::read(file).unwrap_or_else(|error| panic!("{}: {error:#}", file.display()));
                let differences = run(&case).differences;
                (!differences.is_empty()).then(|| format!("{}: {}", file.display(), differences.join("; ")))
            })
            .collect();
        assert!(files.len() > 700 && failures.is_empty(), "{} cases\n{}", files.len(), failures.join("\n"));
    }
}
